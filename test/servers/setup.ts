import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../playground/servers/postgres-server.ts';
import { howToInstall, installMissing } from '../../playground/servers/programs.ts';
import { startRedis } from '../../playground/servers/redis-server.ts';
import type { DatabaseServer } from '../../playground/servers/server-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Empty where the server is not installed. */
    redisUrl: string;
    postgresUrl: string;
  }
}

/**
 * One Redis and one PostgreSQL for the whole run; each test takes a pool name or a schema of its own there, and
 * starts its own server where it stops or breaks one. Missing servers are installed where we may. Where we may not, their
 * tests are skipped with a word about it; never in CI.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = installMissing(['redis-server', 'initdb', 'postgres', 'pgbench']);
  if (missing.length > 0) {
    const message = `${missing.join(', ')} not found; to test the shared stores, ${howToInstall(missing)}`;
    if (process.env.CI) throw new Error(message);
    console.warn(`\nSKIPPED: ${message}\n`);
  }
  const started: DatabaseServer[] = [];
  const start = async (name: string, server: () => Promise<DatabaseServer>): Promise<string> => {
    if (missing.some((program) => (program === 'redis-server') === (name === 'redis'))) return '';
    started.push(await server());
    return started.at(-1)!.url;
  };
  project.provide('redisUrl', await start('redis', startRedis));
  project.provide('postgresUrl', await start('postgres', startPostgres));
  return async () => {
    for (const server of started) await server.close();
  };
}
