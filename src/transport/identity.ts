import type { SessionCookies } from '../cookies/session-cookies.ts';
import type { HeaderOrder } from '../fingerprints/header-order.ts';
import type { Transport } from './transport.ts';

/** Who fetches: read anew for every hop, because a session's lease can end and its connections can be closed between two. */
export interface FetchIdentity {
  readonly cookies: SessionCookies;
  readonly transport: Transport;
  /** Sent unless the caller gives a `User-Agent`. */
  readonly userAgent: string;
  /** Sent unless the caller gives the same, in this order, before `accept` and `accept-encoding`. */
  readonly defaultHeaders?: Iterable<readonly [name: string, value: string]>;
  /**
   * Of the browser it appears to be: all headers, the caller's and cookies included, go out in its order, and those of its own
   * that it keeps from an insecure origin stay away from there. @default the order in which they were given
   */
  readonly headerOrder?: HeaderOrder | undefined;
  /** What the browser puts between the parts of a form. @default one that says troupe */
  readonly formBoundary?: (() => string | undefined) | undefined;
  /** Asked before every send, and before the cookies of a response are stored; throws when the lease is over. */
  beforeHop(url: URL): void;
  /** Told of every response's head. */
  onHop?(info: HopInfo): void;
}

export interface HopInfo {
  url: URL;
  status: number;
  /** From the send to the response's head. */
  ms: number;
}
