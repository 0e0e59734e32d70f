/** Of impit, what we call. */
export interface ImpitClient {
  fetch(url: string, init: ImpitInit): Promise<ImpitResponse>;
}

export interface ImpitInit {
  method: string;
  headers: [name: string, value: string][];
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Milliseconds for all of it, the body included. */
  timeout: number;
  redirect: 'manual';
}

export interface ImpitResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array>;
}

export interface ImpitOptions {
  browser?: string;
  proxyUrl?: string;
  ignoreTlsErrors?: boolean;
  followRedirects: false;
}

export type ImpitConstructor = new (options: ImpitOptions) => ImpitClient;
