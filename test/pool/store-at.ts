import type { SessionStore } from '../../src/index.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { redisStore } from '../../src/stores/redis/redis-store.ts';

/** The store of a server, by its URL. */
export function storeAt(url: string): SessionStore {
  return url.startsWith('redis:') ? redisStore({ url }) : postgresStore({ url });
}
