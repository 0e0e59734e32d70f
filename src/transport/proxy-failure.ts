import type { ProxyFault } from '../proxies/proxy-fault.ts';

export interface ProxyFailureFacts {
  fault: ProxyFault;
  /** What it answered, where it did. */
  status?: number | undefined;
  /** Nothing came in time. @default false */
  isTimeout?: boolean;
  cause?: unknown;
}

/** A proxy did not do what it is for. Names neither the proxy nor its credentials. */
export class ProxyFailure extends Error {
  readonly fault: ProxyFault;
  readonly status: number | undefined;
  readonly isTimeout: boolean;

  constructor(message: string, { fault, status, isTimeout = false, cause }: ProxyFailureFacts) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ProxyFailure';
    this.fault = fault;
    this.status = status;
    this.isTimeout = isTimeout;
  }
}

/**
 * Something came out of a new tunnel before anything was sent: nobody there speaks HTTP or TLS, in which the client begins. A
 * web server in a proxy's place does that, or the site. undici would take it for an answer to nothing, and connect again, without end.
 */
export function spokeFirst(): ProxyFailure {
  return new ProxyFailure('the tunnel leads to no web server', { fault: 'exit' });
}

/** A proxy answered with this status in the place of the site. */
export function refusedWith(status: number): ProxyFailure {
  // It says that it got no further (RFC 9110 §15.6.3, §15.6.5; tinyproxy says 500, and squid 503).
  return new ProxyFailure(`the proxy refused with ${status}`, {
    fault: status >= 500 ? 'exit' : 'gateway',
    status,
  });
}
