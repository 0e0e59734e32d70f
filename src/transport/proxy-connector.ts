import type { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { type ProxyAddress, withoutBrackets } from './proxy-address.ts';
import { ProxyFailure, spokeFirst } from './proxy-failure.ts';
import { openTunnel } from './tunnel.ts';

export interface ProxyConnectorOptions {
  /** Milliseconds until a connection stands, the site's TLS included; 0: no limit. */
  readonly timeoutMs: number;
  readonly allowH2: boolean;
  /** Of the site. */
  readonly tls: Readonly<Record<string, unknown>> | undefined;
}

/**
 * How undici connects to a site through a proxy: by a tunnel, for sites in clear too. Without one a proxy would answer in the
 * site's place, and change what both say. undici's own agents for proxies do not say why there is no tunnel, and
 * its SOCKS5 is an experiment that passes passwords on percent-encoded and knows no limit of connections.
 */
export function proxyConnector(
  proxy: ProxyAddress,
  options: ProxyConnectorOptions,
): buildConnector.connector {
  const { timeoutMs, allowH2, tls } = options;
  // The limit is ours, over both steps.
  const secure = buildConnector({ ...tls, timeout: 0, allowH2 });
  return (target, callback) => {
    const limit = new AbortController();
    const timer = timeoutMs > 0 ? setTimeout(() => limit.abort(), timeoutMs) : undefined;
    const settle: buildConnector.Callback = (...ended) => {
      clearTimeout(timer);
      callback(...ended);
    };
    const isSecure = target.protocol === 'https:';
    const port = Number(target.port) || (isSecure ? 443 : 80);
    const conditions = { signal: limit.signal, tls: trustOf(tls) };
    openTunnel(proxy, { host: withoutBrackets(target.hostname), port }, conditions).then(
      (socket) => {
        if (socket.readableLength > 0) {
          socket.on('error', () => {}).destroy();
          return settle(spokeFirst(), null);
        }
        if (!isSecure) return settle(null, socket);
        const stop = () => {
          socket.destroy();
          // TLS over a socket that was destroyed without an error says nothing any more.
          settle(inTunnel(new Error('no TLS in time'), true), null);
        };
        limit.signal.addEventListener('abort', stop);
        secure({ ...target, httpSocket: socket }, (error, secured) => {
          limit.signal.removeEventListener('abort', stop);
          if (limit.signal.aborted) return;
          if (error === null) settle(null, secured as TLSSocket);
          else settle(isOfTheSite(error) ? error : inTunnel(error, false), null);
        });
      },
      (error: Error) => settle(error, null),
    );
  };
}

/** Of TLS options for a site, what holds for the proxy as well: whom it trusts, and not who it expects. */
export function trustOf(
  tls: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> | undefined {
  if (!tls) return undefined;
  const { ca, rejectUnauthorized } = tls;
  return { ...(ca !== undefined && { ca }), ...(rejectUnauthorized !== undefined && { rejectUnauthorized }) };
}

function inTunnel(cause: Error, isTimeout: boolean): ProxyFailure {
  return new ProxyFailure('the tunnel ended before TLS stood', { fault: 'exit', isTimeout, cause });
}

/** Its certificate does not hold, or it and we have no TLS in common: no proxy has a part in that. What is no TLS at all may be a page of the proxy's. */
function isOfTheSite(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  if (/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/.test(code)) return false;
  return /^(?:CERT_|ERR_TLS_CERT|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code);
}
