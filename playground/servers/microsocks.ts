import { requireProgram } from './programs.ts';
import { type ProxyServer, type ProxyServerOptions, startProxy } from './proxy-server.ts';

/** Starts microsocks, a SOCKS5 server. Its password stands in the process list: for tests alone. */
export async function startMicrosocks(options: ProxyServerOptions = {}): Promise<ProxyServer> {
  const { exitAddress = '127.0.0.1', credentials } = options;
  return startProxy(
    {
      name: 'microsocks',
      scheme: 'socks5',
      command: requireProgram('microsocks'),
      configure: ({ host, port }) => ({
        args: [
          ...['-i', host, '-p', String(port), '-b', exitAddress],
          ...(credentials ? ['-u', credentials.user, '-P', credentials.password] : []),
        ],
      }),
    },
    options,
  );
}
