import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireProgram } from './programs.ts';
import { type ProxyServer, type ProxyServerOptions, startProxy } from './proxy-server.ts';

export interface TinyproxyOptions extends ProxyServerOptions {
  /** More lines of its configuration. */
  config?: readonly string[];
}

/** Starts tinyproxy. Its configuration has room for letters, digits, `-`, `.` and `_` in a user's name and password. */
export async function startTinyproxy(options: TinyproxyOptions = {}): Promise<ProxyServer> {
  const { exitAddress = '127.0.0.1', credentials, config = [] } = options;
  return startProxy(
    {
      name: 'tinyproxy',
      scheme: 'http',
      command: requireProgram('tinyproxy'),
      configure({ folder, host, port }) {
        const lines = [
          ...[`Listen ${host}`, `Port ${port}`, `Bind ${exitAddress}`],
          ...['MaxClients 500', 'Timeout 60', 'LogLevel Critical'],
          ...(credentials ? [`BasicAuth ${credentials.user} ${credentials.password}`] : []),
          ...config,
        ];
        const path = join(folder, 'tinyproxy.conf');
        writeFileSync(path, `${lines.join('\n')}\n`);
        return { args: ['-d', '-c', path] };
      },
    },
    options,
  );
}
