import { HeaderList, type HeadersLike } from './header-list.ts';
import type { FetchIdentity } from './identity.ts';
import { type BodyLike, fixed, type RequestBody, streamed, toRequestBody } from './request-body.ts';

/** Options of `fetch`: those of the standard that mean something outside a browser, and our own. */
export interface FetchInit {
  /** @default 'GET' */
  method?: string | undefined;
  headers?: HeadersLike | undefined;
  body?: BodyLike | null | undefined;
  /** @default 'follow', at most 20 */
  redirect?: 'follow' | 'manual' | 'error' | undefined;
  /** Ends the request, and the body while it is being read, with the signal's reason. */
  signal?: AbortSignal | null | undefined;
  /** `'omit'` neither sends nor stores cookies. @default 'include' */
  credentials?: 'omit' | 'same-origin' | 'include' | undefined;
  /** Must be `'half'` with a `ReadableStream` as the body, as the standard demands. */
  duplex?: 'half' | undefined;
  /** Bytes of the decoded body beyond which reading fails (`FETCH_TOO_LARGE`). @default no limit */
  maxBodyBytes?: number | undefined;
  /** Milliseconds; the transport's own by default. */
  headersTimeoutMs?: number | undefined;
  /** Milliseconds; the transport's own by default. */
  bodyTimeoutMs?: number | undefined;
}

/** A request, read and checked; `fetch` changes it from hop to hop. */
export interface OutgoingRequest {
  url: URL;
  method: string;
  headers: HeaderList;
  body: RequestBody | null;
  redirect: 'follow' | 'manual' | 'error';
  signal: AbortSignal | undefined;
  sendsCookies: boolean;
  maxBodyBytes: number;
  headersTimeoutMs: number | undefined;
  bodyTimeoutMs: number | undefined;
}

const normalized = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);
const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK']);
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const numbers = ['maxBodyBytes', 'headersTimeoutMs', 'bodyTimeoutMs'] as const;

/** Reads the arguments of `fetch` (Fetch §5.4, "new Request"). Throws a TypeError as that does. */
export async function readRequest(
  input: string | URL | Request,
  init: FetchInit | undefined,
  identity: FetchIdentity,
): Promise<OutgoingRequest> {
  const request = input instanceof Request ? input : undefined;
  const url = readUrl(request ? request.url : (input as string | URL));
  const method = readMethod(init?.method ?? request?.method ?? 'GET');
  const headers = HeaderList.from(init?.headers ?? request?.headers);
  const givenBody = init?.body;
  if (givenBody instanceof ReadableStream && init?.duplex !== 'half') {
    throw new TypeError("a ReadableStream as the request body needs duplex: 'half'");
  }
  const hasBody = (givenBody ?? request?.body ?? null) !== null;
  if (hasBody && (method === 'GET' || method === 'HEAD')) {
    throw new TypeError(`a ${method} request cannot have a body`);
  }
  const redirect = init?.redirect ?? request?.redirect ?? 'follow';
  if (redirect !== 'follow' && redirect !== 'manual' && redirect !== 'error') {
    throw new TypeError('redirect must be "follow", "manual" or "error"');
  }
  const signal = (init?.signal === undefined ? request?.signal : init.signal) ?? undefined;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal must be an AbortSignal');
  }
  for (const name of numbers) {
    const value: unknown = init?.[name];
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) {
      throw new TypeError(`${name} must be a number of at least 0`);
    }
  }
  signal?.throwIfAborted();
  let body: RequestBody | null = null;
  if (givenBody !== undefined && givenBody !== null)
    body = toRequestBody(givenBody, identity.formBoundary?.());
  else if (request?.body) body = await readRequestBody(request);
  setDefaults(headers, body, identity);
  return {
    url,
    method,
    headers,
    body,
    redirect,
    signal,
    sendsCookies: (init?.credentials ?? request?.credentials) !== 'omit',
    maxBodyBytes: init?.maxBodyBytes ?? Number.POSITIVE_INFINITY,
    headersTimeoutMs: init?.headersTimeoutMs,
    bodyTimeoutMs: init?.bodyTimeoutMs,
  };
}

function readUrl(input: string | URL): URL {
  const url = URL.parse(String(input));
  if (!url) throw new TypeError('invalid URL; a fetch needs an absolute one');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`cannot fetch a ${url.protocol} URL, only http: and https:`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('a URL with credentials cannot be fetched; send an Authorization header');
  }
  return url;
}

function readMethod(method: string): string {
  const upper = method.toUpperCase();
  if (!token.test(method)) throw new TypeError('invalid HTTP method');
  if (forbidden.has(upper)) throw new TypeError(`the method ${upper} cannot be fetched`);
  return normalized.has(upper) ? upper : method;
}

function setDefaults(headers: HeaderList, body: RequestBody | null, identity: FetchIdentity): void {
  if (body?.type) headers.setDefault('content-type', body.type);
  // Known better than the caller can, except for a stream.
  if (body?.isReplayable !== false) headers.delete('content-length');
  for (const [name, value] of identity.defaultHeaders ?? []) {
    const key = name.toLowerCase();
    // A part of a coded body could not be decoded (Fetch §4.6).
    if (key === 'accept-encoding' && headers.has('range')) continue;
    headers.setDefault(name, key === 'user-agent' ? identity.userAgent : value);
  }
  headers.setDefault('user-agent', identity.userAgent);
  headers.setDefault('accept', '*/*');
  headers.setDefault('accept-encoding', headers.has('range') ? 'identity' : 'gzip, deflate, br, zstd');
}

/** Beyond it, a body inside a `Request` is streamed even if all of it is there. */
const maxEagerBytes = 1024 * 1024;

/**
 * The body of a `Request` is a stream even where it was made of a string. What is there without waiting is sent
 * with its length, which many servers insist on, and can be sent again after a redirect; what has to be waited
 * for is streamed.
 */
async function readRequestBody(request: Request): Promise<RequestBody> {
  if (request.bodyUsed || request.body!.locked) throw new TypeError('the body of the Request has been read');
  const reader = request.body!.getReader();
  const first: Uint8Array[] = [];
  let size = 0;
  while (size <= maxEagerBytes) {
    const read = reader.read();
    const turn = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
    const result = await Promise.race([read, turn]);
    if (!result) return streamed(restOf(reader, read), first);
    if (result.done) return fixed(Buffer.concat(first), undefined);
    first.push(result.value);
    size += result.value.length;
  }
  return streamed(restOf(reader, reader.read()), first);
}

async function* restOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  next: Promise<{ done: boolean; value?: Uint8Array | undefined }>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let result = await next; !result.done; result = await reader.read()) yield result.value!;
  } finally {
    reader.cancel().catch(() => {});
  }
}
