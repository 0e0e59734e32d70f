/** How a child process opens the pool of a test: it is given the store's URL, with the pool's name. */
import { type RedisStore, redisStore } from '../../src/stores/redis/redis-store.ts';

export function open(url: string): RedisStore {
  return redisStore({ url });
}
