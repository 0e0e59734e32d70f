import { FetchError, type FetchErrorCode, type FetchPhase, RequestBodyFailure } from './fetch-error.ts';
import { ProxyFailure } from './proxy-failure.ts';

/** What is known about a request when it fails. */
export interface FailureFacts {
  url: URL;
  phase: FetchPhase;
  /** The client began to write it (undici calls `onRequestStart` just before it writes). */
  wasStarted: boolean;
}

/** undici's error as a {@link FetchError}; one that already is passes as it is. */
export function fromUndici(error: unknown, facts: FailureFacts): FetchError {
  if (error instanceof FetchError) return error;
  // It carries the raw answer, cookies and all, and would be printed with the error.
  if (error instanceof Error && 'data' in error) Object.assign(error, { data: undefined });
  return new FetchError({
    code: codeOf(error, facts),
    phase: facts.phase,
    url: facts.url,
    neverSent: !facts.wasStarted,
    proxyFault: error instanceof ProxyFailure ? error.fault : undefined,
    cause: error instanceof RequestBodyFailure ? error.cause : error,
  });
}

function codeOf(error: unknown, facts: FailureFacts): FetchErrorCode {
  if (error instanceof RequestBodyFailure) return 'FETCH_REQUEST_BODY';
  if (error instanceof ProxyFailure) return error.isTimeout ? 'FETCH_TIMEOUT' : 'FETCH_CONNECT';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return 'FETCH_TIMEOUT';
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return 'FETCH_CLOSED';
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'FETCH_BODY';
    case 'UND_ERR_HEADERS_OVERFLOW':
      return 'FETCH_PROTOCOL';
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return 'FETCH_REQUEST_BODY';
  }
  if (!facts.wasStarted) return 'FETCH_CONNECT';
  // By its name: its code is often undefined. A chunked body that was cut off is an incomplete message to the parser.
  if (error instanceof Error && error.name === 'HTTPParserError') {
    return facts.phase === 'body' ? 'FETCH_BODY' : 'FETCH_PROTOCOL';
  }
  return 'FETCH_RESET';
}
