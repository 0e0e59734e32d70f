import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { isIPv6, type Socket } from 'node:net';
import { basicCredentials, type ProxyAddress } from './proxy-address.ts';
import { ProxyFailure, refusedWith } from './proxy-failure.ts';
import type { TunnelConditions, TunnelTarget } from './tunnel-target.ts';

/** A tunnel by `CONNECT` (RFC 9110 §9.3.6). */
export function openHttpTunnel(
  proxy: ProxyAddress,
  { host, port }: TunnelTarget,
  { signal, tls }: TunnelConditions,
): Promise<Socket> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const credentials = basicCredentials(proxy);
  const isSecure = proxy.scheme === 'https';
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const asked = (isSecure ? secureRequest : plainRequest)({
      ...(isSecure && tls),
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        'proxy-connection': 'keep-alive',
        ...(credentials !== undefined && { 'proxy-authorization': credentials }),
      },
      agent: false,
      signal,
    });
    asked.once('socket', (socket) => {
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        isConnected = true;
      });
    });
    asked.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.on('error', () => {}).destroy();
        reject(refusedWith(statusCode));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      socket.setNoDelay(true);
      resolve(socket);
    });
    asked.once('error', (cause: NodeJS.ErrnoException) => {
      const isTimeout = signal.aborted;
      const words = isConnected ? 'the proxy did not answer' : 'no connection to the proxy';
      reject(
        new ProxyFailure(words, { fault: isConnected && isTimeout ? 'exit' : 'gateway', isTimeout, cause }),
      );
    });
    asked.end();
  });
}
