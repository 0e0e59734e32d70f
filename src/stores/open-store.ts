import { StoreError } from '../errors.ts';
import type { SessionStore } from './store.ts';

/**
 * Opens a store by its URL: `memory:`; `sqlite:` and a file (`sqlite:troupe.db`, `sqlite:/var/lib/troupe.db`);
 * `redis://[user:password@]host[:port][/database][?pool=NAME]` (`rediss:` for TLS); or
 * `postgres://[user:password@]host[:port]/database[?schema=NAME]` (`postgresql:` as well).
 * @throws StoreError `STORE_UNUSABLE` where the URL names no store, or the file is none of ours; OptionError where a URL of a server is malformed
 */
export async function openStore(url: string): Promise<SessionStore> {
  const scheme = /^([a-z]+):/.exec(url)?.[1];
  const rest = url.slice((scheme?.length ?? -1) + 1);
  if (scheme === 'memory') return (await import('./memory/memory-store.ts')).memoryStore();
  if (scheme === 'sqlite' && rest !== '') {
    const path = rest.startsWith('//') ? rest.slice(2) : rest;
    return (await import('./sqlite/sqlite-store.ts')).sqliteStore({ path });
  }
  if (scheme === 'redis' || scheme === 'rediss') {
    return (await import('./redis/redis-store.ts')).redisStore({ url });
  }
  if (scheme === 'postgres' || scheme === 'postgresql') {
    return (await import('./postgres/postgres-store.ts')).postgresStore({ url });
  }
  throw new StoreError(
    'STORE_UNUSABLE',
    `a store is named by a URL such as "sqlite:troupe.db" or "memory:"; got ${scheme ? `one that begins with "${scheme}:"` : 'a text without a scheme'}`,
  );
}
