import { describe, it } from 'vitest';
import { type RedisStore, redisStore } from '../../src/stores/redis/redis-store.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { type OpenOptions, storeContract } from '../../src/testing/index.ts';
import { redisUrl, uniqueName } from '../servers/index.ts';

describe.skipIf(!redisUrl)('on a real server', () => {
  const harness = {
    open: (options: OpenOptions) => redisStore({ url: redisUrl, pool: uniqueName(), ...options }),
    reopen: (store: SessionStore, options: OpenOptions) =>
      redisStore({ url: redisUrl, pool: (store as RedisStore).pool, ...options }),
    child: (store: SessionStore) => ({
      module: new URL('./redis-pools.ts', import.meta.url).href,
      argument: `${redisUrl}?pool=${(store as RedisStore).pool}`,
    }),
  };
  storeContract({ describe, it }, { name: 'redis', ...harness });
  storeContract({ describe, it }, { name: 'redis, by its own clock', usesOwnClock: true, ...harness });
});
