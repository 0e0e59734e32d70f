import type { TestProject } from 'vitest/node';
import { startMicrosocks } from '../../playground/servers/microsocks.ts';
import { startPostgres } from '../../playground/servers/postgres-server.ts';
import { howToInstall, installMissing, type Program } from '../../playground/servers/programs.ts';
import type { ProxyServer } from '../../playground/servers/proxy-server.ts';
import { startRedis } from '../../playground/servers/redis-server.ts';
import type { LocalServer } from '../../playground/servers/server-process.ts';
import { startSquid } from '../../playground/servers/squid.ts';
import { startTinyproxy } from '../../playground/servers/tinyproxy.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Empty where the server is not installed. */
    redisUrl: string;
    postgresUrl: string;
    /** `undefined` where one of them is not installed. */
    proxies: TestProxies | undefined;
  }
}

/** Real proxies, each with an address of its own that sites see, and a password. */
export type TestProxies = Record<'squid' | 'tinyproxy' | 'microsocks', TestProxy>;

export interface TestProxy {
  /** With its credentials. */
  url: string;
  exitAddress: string;
}

/**
 * One Redis, one PostgreSQL and a proxy of each kind for the whole run; each test takes a pool name or a schema of its own
 * there, and starts its own server where it stops or breaks one. Missing servers are installed where we may. Where we may not, their
 * tests are skipped with a word about it; never in CI.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const programs = {
    redis: ['redis-server'],
    postgres: ['initdb', 'postgres', 'pgbench'],
    proxies: ['squid', 'basic_ncsa_auth', 'tinyproxy', 'microsocks'],
  } as const satisfies Record<string, Program[]>;
  const missing = installMissing(Object.values(programs).flat());
  if (missing.length > 0) {
    const message = `${missing.join(', ')} not found; to test with them, ${howToInstall(missing)}`;
    if (process.env.CI) throw new Error(message);
    console.warn(`\nSKIPPED: ${message}\n`);
  }
  await using started = new AsyncDisposableStack();
  const start = async <Server extends LocalServer>(server: Promise<Server>) => started.use(await server);
  const has = (name: keyof typeof programs) => !programs[name].some((program) => missing.includes(program));
  project.provide('redisUrl', has('redis') ? (await start(startRedis())).url : '');
  project.provide('postgresUrl', has('postgres') ? (await start(startPostgres())).url : '');
  if (has('proxies')) {
    // What a password may look like; tinyproxy's file has room for less.
    const credentials = { user: 'ann', password: 'S3CRET/%:@&=+signs' };
    const plain = { user: 'ann', password: 'S3CRET-signs' };
    const squid = await start(startSquid({ exitAddress: '127.0.1.1', credentials }));
    const tinyproxy = await start(startTinyproxy({ exitAddress: '127.0.1.2', credentials: plain }));
    const microsocks = await start(startMicrosocks({ exitAddress: '127.0.1.3', credentials }));
    const facts = ({ url, exitAddress }: ProxyServer) => ({ url, exitAddress });
    project.provide('proxies', {
      squid: facts(squid),
      tinyproxy: facts(tinyproxy),
      microsocks: facts(microsocks),
    });
  } else project.provide('proxies', undefined);
  const all = started.move();
  return () => all.disposeAsync();
}
