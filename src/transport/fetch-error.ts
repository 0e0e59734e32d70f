import type { ProxyFault } from '../proxies/proxy-fault.ts';

/**
 * What went wrong: no connection (`FETCH_CONNECT`), too slow (`FETCH_TIMEOUT`), cut off (`FETCH_RESET`), not HTTP
 * (`FETCH_PROTOCOL`), a body that is broken or cut short (`FETCH_BODY`) or too large (`FETCH_TOO_LARGE`), the
 * caller's own body failing (`FETCH_REQUEST_BODY`), a redirect that must not be followed (`FETCH_REDIRECT`), or
 * connections that were closed while it ran (`FETCH_CLOSED`).
 */
export type FetchErrorCode =
  | 'FETCH_CONNECT'
  | 'FETCH_TIMEOUT'
  | 'FETCH_RESET'
  | 'FETCH_PROTOCOL'
  | 'FETCH_BODY'
  | 'FETCH_TOO_LARGE'
  | 'FETCH_REQUEST_BODY'
  | 'FETCH_REDIRECT'
  | 'FETCH_CLOSED';

/** How far a request had come: looking for a connection, sending, waiting for the head, reading the body. */
export type FetchPhase = 'connect' | 'send' | 'headers' | 'body';

export interface FetchErrorFacts {
  code: FetchErrorCode;
  phase: FetchPhase;
  url: URL;
  /** @default false */
  neverSent?: boolean;
  /** @default none */
  proxyFault?: ProxyFault | undefined;
  cause: unknown;
}

/**
 * A network error of `fetch`. A TypeError named and worded as Node's own (`fetch failed`, or `terminated` once the
 * body was being read), because that is how clients such as ky tell network errors from bugs: match on `code`.
 */
export class FetchError extends TypeError {
  readonly code: FetchErrorCode;
  readonly phase: FetchPhase;
  /** Origin and path: no credentials, no query, both of which may be secret. */
  readonly url: string;
  /** Not a byte of the request has left, so that it may be sent again whatever its method. */
  readonly neverSent: boolean;
  /**
   * Set where it failed at the proxy: `'gateway'` if that is not there or lets nobody in, `'exit'` if it got no further,
   * which may be the site's doing as well.
   */
  readonly proxyFault: ProxyFault | undefined;

  constructor(facts: FetchErrorFacts) {
    super(facts.phase === 'body' ? 'terminated' : 'fetch failed', { cause: facts.cause });
    this.code = facts.code;
    this.phase = facts.phase;
    this.url = facts.url.origin + facts.url.pathname;
    this.neverSent = facts.neverSent ?? false;
    this.proxyFault = facts.proxyFault;
  }
}

/** The caller's own body failed while it was being sent; `cause` is what it threw. */
export class RequestBodyFailure extends Error {
  constructor(cause: unknown) {
    super('the request body failed', { cause });
  }
}
