/**
 * The seam below `fetch`: one HTTP request and its response as one identity. What knows about redirects, cookies
 * and the Fetch standard lies above; what knows about sockets, TLS, proxies and a client library lies behind
 * it, so that another library or a proxy is another `Transport`.
 */
export interface Transport {
  /**
   * Sends one request, never following a redirect. Resolves with the response's head. Rejects with a
   * `FetchError`, or with the signal's reason.
   */
  send(hop: Hop): Promise<HopResponse>;
  /** Requests whose response has not been read to its end, failed or cancelled. */
  readonly inFlight: number;
  /**
   * Closes every connection at once; what is in flight fails. May be called twice. A later request opens new ones: it
   * may have been on its way when an idle transport was closed.
   */
  close(): Promise<void>;
  /** What it can and cannot do. */
  readonly limits: TransportLimits;
}

/** Where client libraries differ. Nobody asks which one it is. */
export interface TransportLimits {
  /** Its TLS and HTTP/2 are those of the browser that its headers name. */
  readonly appearsAsBrowser: boolean;
  /** The only methods it can send; `null`: any. */
  readonly methods: readonly string[] | null;
  /** Headers go out over HTTP/1.1 as they are spelled, and not in lower case. */
  readonly keepsSpelling: boolean;
  /** A request that is given up before it is answered is taken back, and its connection closed. */
  readonly stopsUnanswered: boolean;
  /** It tells a connection that never stood from an answer that never came. */
  readonly tellsConnecting: boolean;
  /** Bodies come as they were sent: careless servers' codings can be told from broken ones. */
  readonly decodesAll: boolean;
  /** `statusText` is what the server wrote. */
  readonly tellsReasons: boolean;
}

/** A request body on the wire: bytes, something with a size, or a stream of bytes that can be told to stop. */
export type HopRequestBody = Uint8Array | Blob | ByteSource;

export interface ByteSource extends AsyncIterable<Uint8Array> {
  /** Nobody will read on: lets go of what is behind it. Does nothing once it has ended. */
  cancel(reason?: unknown): void;
}

/** One request. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  /** Names and values by turns, in the order of sending; checked already. */
  readonly headers: string[];
  readonly body: HopRequestBody | null;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from the request's end to the response's head. @default the transport's */
  readonly headersTimeoutMs?: number | undefined;
  /** Milliseconds between two pieces of the body, or without anyone reading. @default the transport's */
  readonly bodyTimeoutMs?: number | undefined;
}

/** Lower-case names; a header that came more than once is a list. Values are byte strings. */
export type HopHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface HopResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HopHeaders;
  /** As it came over the wire, content codings included unless `isDecoded`. It must be piped or cancelled. */
  readonly body: HopBody;
  /** The transport has decoded the body already; its headers still tell of the coding. @default false */
  readonly isDecoded?: boolean;
}

/** A response's body, which waits until it is piped: most are read whole, and a stream each would cost more than the request. */
export interface HopBody {
  /** Hands over what came and what comes; `end` or `fail` is called once. Only once. */
  pipe(sink: BodySink): void;
  pause(): void;
  resume(): void;
  /** Wants no more of it: nothing is called any longer, and the connection is closed unless all has come. */
  cancel(reason?: unknown): void;
  /** Calls back once nothing more comes over the wire: it ended, failed or was cancelled. */
  onDone(callback: () => void): void;
}

export interface BodySink {
  /** The bytes may share memory with others: copy what you keep, or give away. */
  chunk(bytes: Uint8Array): void;
  end(): void;
  fail(error: unknown): void;
}

/** A header's value; of several the first. */
export function headerOf(headers: HopHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'object' ? value[0] : value;
}
