import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { giveTo } from './owner.ts';
import { requireProgram } from './programs.ts';
import { type ProxyServer, type ProxyServerOptions, startProxy } from './proxy-server.ts';

export interface SquidOptions extends ProxyServerOptions {
  /** Ports to which it opens tunnels. As it is packaged it opens them to 443 alone. @default any */
  tunnelPorts?: readonly number[];
  /** More lines of its configuration, before those that let everybody in. */
  config?: readonly string[];
}

/** Starts squid as an open or a password-protected forward proxy that keeps nothing. */
export async function startSquid(options: SquidOptions = {}): Promise<ProxyServer> {
  const { exitAddress = '127.0.0.1', credentials, tunnelPorts, config = [] } = options;
  const serviceOf = (port: number) => `troupe${port}`;
  return startProxy(
    {
      name: 'squid',
      scheme: 'http',
      command: requireProgram('squid'),
      configure({ folder, host, port }) {
        // Started by root it would become this user by itself; its files must be readable then.
        const owner = giveTo('proxy', folder);
        const passwords = join(folder, 'passwords');
        const lines = [
          `http_port ${host}:${port}`,
          ...['pid_filename none', 'access_log none', 'netdb_filename none', 'pinger_enable off'],
          ...['cache deny all', 'cache_mem 0', 'memory_pools off', 'max_filedescriptors 4096'],
          ...['visible_hostname squid.test', 'shutdown_lifetime 0 seconds', `coredump_dir ${folder}`],
          `tcp_outgoing_address ${exitAddress}`,
        ];
        if (tunnelPorts) {
          lines.push(`acl tunnels port ${tunnelPorts.join(' ')}`, 'http_access deny CONNECT !tunnels');
        }
        if (credentials) {
          // It also takes an unsalted MD5, which is all that a test needs.
          const digest = createHash('md5').update(credentials.password).digest('hex');
          writeFileSync(passwords, `${credentials.user}:${digest}\n`);
          giveTo('proxy', passwords);
          lines.push(
            `auth_param basic program ${requireProgram('basic_ncsa_auth')} ${passwords}`,
            'auth_param basic children 1 startup=1 idle=1',
            'acl users proxy_auth REQUIRED',
            'http_access deny !users',
          );
        }
        const path = join(folder, 'squid.conf');
        writeFileSync(path, [...lines, ...config, 'http_access allow all', ''].join('\n'));
        return { args: ['-N', '-n', serviceOf(port), '-f', path], spawn: owner };
      },
      // Shared memory, which it removes itself only when it ends in its own time.
      clean({ port }) {
        for (const part of ['metadata', 'queues', 'readers']) {
          rmSync(`/dev/shm/${serviceOf(port)}-cf__${part}.shm`, { force: true });
        }
      },
    },
    options,
  );
}
