import { FetchError, type FetchErrorCode, type FetchPhase, RequestBodyFailure } from './fetch-error.ts';
import { ProxyFailure, refusedWith } from './proxy-failure.ts';

/** What is known about a request when it fails. */
export interface ImpitFailureFacts {
  url: URL;
  phase: 'headers' | 'body';
}

/**
 * Words of impit's messages that say what happened, and what that is. The messages themselves are Rust's dumps, with
 * the whole URL in them: nothing else of them is kept.
 */
const REASONS: readonly [pattern: RegExp, code: FetchErrorCode][] = [
  [/InvalidCertificate|certificate|HandshakeFailure|InvalidContentType|AlertReceived/, 'FETCH_CONNECT'],
  [/dns error|ConnectionRefused|NetworkUnreachable|HostUnreachable|SocksConnect/, 'FETCH_CONNECT'],
  [/TimedOut/, 'FETCH_TIMEOUT'],
  [/ConnectionReset|BrokenPipe|ConnectionAborted|NotConnected/, 'FETCH_RESET'],
  [
    /IncompleteBody|unexpected EOF|DecompressError|Invalid gzip header|corrupt|Unknown frame descriptor/,
    'FETCH_BODY',
  ],
  [/IncompleteMessage|Canceled|ChannelClosed/, 'FETCH_RESET'],
  [/Parse\(|InvalidChunk|Http2|frame|PROTOCOL_ERROR/, 'FETCH_PROTOCOL'],
];

/** Kinds of impit's errors at which no request had been sent. */
const BEFORE_SENDING = /^(?:Connect|Proxy|UnsupportedProtocol|LocalProtocol)/;

/** impit's error as a {@link FetchError}. */
export function fromImpit(error: unknown, { url, phase }: ImpitFailureFacts): FetchError {
  if (error instanceof FetchError) return error;
  if (error instanceof RequestBodyFailure) {
    return new FetchError({ code: 'FETCH_REQUEST_BODY', phase: 'send', url, cause: error.cause });
  }
  if (error instanceof ProxyFailure) {
    return new FetchError({ code: 'FETCH_CONNECT', phase, url, proxyFault: error.fault, cause: error });
  }
  const { name, status } = error as Error & { status?: number };
  // The URL may hold any word.
  const message = (error as Error).message.replace(/url: "[^"]*"/g, '');
  const found = REASONS.map(([pattern, code]) => ({ word: pattern.exec(message)?.[0], code })).find(
    ({ word }) => word,
  );
  const neverSent = phase === 'headers' && BEFORE_SENDING.test(name);
  let code: FetchErrorCode = found?.code ?? (phase === 'body' ? 'FETCH_BODY' : 'FETCH_RESET');
  if (/Timeout/.test(name)) code = 'FETCH_TIMEOUT';
  if (neverSent) code = 'FETCH_CONNECT';
  const where: FetchPhase = neverSent ? 'connect' : phase;
  // A status comes with errors of proxies alone.
  const refusal = status === undefined ? undefined : refusedWith(status);
  const cause = refusal ?? new Error(`impit: ${name}${found ? ` (${found.word})` : ''}`);
  return new FetchError({ code, phase: where, url, neverSent, proxyFault: refusal?.fault, cause });
}
