/**
 * Whose fault it was that a request through a proxy got no connection: the proxy's own (`'gateway'`: not there, or it
 * wants other credentials), or of what lies behind it (`'exit'`: it was there, and got no further), which may be its exit's or the site's;
 * or surely the site's (`'site'`: a certificate that does not hold).
 */
export type ProxyFault = 'gateway' | 'exit' | 'site';

const DEEPEST_CAUSE = 5;

/** Of a failed request's error, with its causes. */
export function proxyFaultOf(error: unknown): ProxyFault {
  let cause: unknown = error;
  for (let depth = 0; depth < DEEPEST_CAUSE && cause instanceof Error; depth += 1) {
    const code = String((cause as { code?: unknown }).code ?? '');
    if (CERTIFICATE.test(code)) return 'site';
    const status = /^Proxy response \((\d{3})\)|the proxy refused with (\d{3})/.exec(cause.message);
    if (status) return isTunnelsStatus(Number(status[1] ?? status[2])) ? 'exit' : 'gateway';
    // undici's word for a tunnel that stood and ended before TLS did: the proxy had let it through.
    if (code === 'ECONNRESET' && cause.message.includes('before secure TLS')) return 'exit';
    // RFC 1928, 6: the replies of a SOCKS server that got no further.
    if (code.startsWith('UND_ERR_SOCKS5_REPLY')) return 'exit';
    cause = cause.cause;
  }
  return 'gateway';
}

const CERTIFICATE = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_)/;

/** What a proxy answers where it could not get to the site (RFC 9110, 15.6.3 and 15.6.5; many say 503 as well). */
function isTunnelsStatus(status: number): boolean {
  return status >= 500;
}
