/**
 * Whose fault it may be that a request got no connection through a proxy: the proxy's own (`'gateway'`: it is not there, or
 * lets nobody in), or that of what lies behind it (`'exit'`: it was there and got no further), which may be its exit's or
 * the site's.
 */
export type ProxyFault = 'gateway' | 'exit';

/** Of a failed request's error, as the transport found it; `undefined` if the proxy had no part in it. */
export function proxyFaultOf(error: unknown): ProxyFault | undefined {
  return (error as { proxyFault?: ProxyFault } | null | undefined)?.proxyFault;
}
