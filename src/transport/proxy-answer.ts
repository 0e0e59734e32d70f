import { ProxyFailure, refusedWith } from './proxy-failure.ts';
import { type HopHeaders, headerOf } from './transport.ts';

/** Words with which a proxy says that it has no tunnel to such a port, or none at all. squid, as it is packaged, has them to 443 alone. */
const NO_TUNNEL = new Set([400, 403, 404, 405, 501]);

/** Whether a site in clear may still be reached by way of the proxy, by asking it to forward. */
export function mayForward(error: unknown): error is ProxyFailure {
  return error instanceof ProxyFailure && error.status !== undefined && NO_TUNNEL.has(error.status);
}

/**
 * Whether it is the proxy that answers in the site's place, where it was asked to forward a request in clear. That can be
 * told by marks alone, and by none for certain: a proxy that wants to can look like any site. In a tunnel there is nothing to tell.
 */
export function proxyAnswer(
  status: number,
  headers: HopHeaders,
  /** With which it refused a tunnel to the same site. */
  refusedTunnelWith?: number,
): ProxyFailure | undefined {
  if (status < 400) return undefined;
  return isOfTheProxy(status, headers, refusedTunnelWith) ? refusedWith(status) : undefined;
}

function isOfTheProxy(status: number, headers: HopHeaders, refusedTunnelWith: number | undefined): boolean {
  // RFC 9110 §15.5.8 and §11.7.1: both are a proxy's alone, and concern only its next client.
  if (status === 407 || headers['proxy-authenticate'] !== undefined) return true;
  const isAlone = stationsOf(headers) <= 1;
  // A page of squid's own. Of a site that is itself behind a squid there is the name of ours after that of theirs.
  if (headers['x-squid-error'] !== undefined && isAlone) return true;
  // A page of tinyproxy's own: what it forwards keeps the site's name for its server, and gets a Via.
  if (/^tinyproxy\b/i.test(headerOf(headers, 'server') ?? '') && headers.via === undefined) return true;
  // A gateway's status, or the same refusal once more, without any word that sites say of themselves.
  const isRefusal = (status >= 502 && status <= 504) || status === refusedTunnelWith;
  return isRefusal && !SITE_MARKS.some((name) => headers[name] !== undefined);
}

const SITE_MARKS = ['server', 'set-cookie', 'via', 'retry-after', 'cache-control', 'etag', 'last-modified'];

/** How many have passed it on (RFC 9110 §7.6.3). */
function stationsOf(headers: HopHeaders): number {
  const via = headers.via;
  if (via === undefined) return 0;
  return (typeof via === 'string' ? via : via.join(',')).split(',').length;
}
