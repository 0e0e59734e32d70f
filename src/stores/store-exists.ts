import { statSync } from 'node:fs';

/**
 * Whether there is a store at a URL that {@link openStore} takes: a file, a pool or a schema that somebody has used.
 * Nothing is made by asking.
 * @throws StoreError where a server cannot be asked, OptionError for a malformed URL
 */
export async function storeExists(url: string): Promise<boolean> {
  const [, scheme, rest = ''] = /^([a-z]+):(.*)$/s.exec(url) ?? [];
  if (scheme === 'sqlite') {
    const path = rest.startsWith('//') ? rest.slice(2) : rest;
    return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  }
  if (scheme === 'redis' || scheme === 'rediss') {
    return (await import('./redis/exists.ts')).redisPoolExists(url);
  }
  if (scheme === 'postgres' || scheme === 'postgresql') {
    return (await import('./postgres/exists.ts')).postgresPoolExists(url);
  }
  // A store in memory is never there yet; and of what is no store, opening it tells.
  return scheme !== 'memory';
}
