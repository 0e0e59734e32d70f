import { describe, expect, it } from 'vitest';
import { redisStore } from '../../src/stores/redis/redis-store.ts';
import type { LeaseRequest } from '../../src/stores/store.ts';
import { redisUrl, uniqueName } from '../servers/index.ts';
import { hammerTogether, session } from './hammer.ts';

const request: LeaseRequest = {
  rotation: 'round-robin',
  fill: 'on-demand',
  leaseMs: 30_000,
  holder: 'test:1',
  wake: true,
};

describe.skipIf(!redisUrl)('several processes on one pool', () => {
  it('gives no session to two of four processes, and loses no use', async () => {
    const url = `${redisUrl}?pool=${uniqueName()}`;
    await using store = redisStore({ url });
    await hammerTogether(store, url);
  });

  it('wakes who waits, and leases within milliseconds of the release by somebody else', async () => {
    const pool = uniqueName();
    await using giver = redisStore({ url: redisUrl, pool });
    await using waiter = redisStore({ url: redisUrl, pool });
    await giver.add([session('a')]);
    let wake = () => {};
    const stop = waiter.watch?.(() => wake());
    const took: number[] = [];
    for (let round = 0; round < 21; round++) {
      const held = await giver.lease(request);
      if (held.kind !== 'leased') throw new Error('not leased');
      expect((await waiter.lease(request)).kind).toBe('none');
      const got = new Promise<number>((resolve, reject) => {
        const take = async () => {
          const result = await waiter.lease(request);
          if (result.kind !== 'leased') return;
          resolve(performance.now());
          await waiter.release(result.lease, null);
        };
        wake = () => void take().catch(reject);
      });
      const releasedAt = performance.now();
      await giver.release(held.lease, null);
      took.push((await got) - releasedAt);
      wake = () => {};
      await expect.poll(async () => (await giver.count()).ready).toBe(1);
    }
    stop?.();
    // On a busy machine most take longer.
    expect(Math.min(...took)).toBeLessThan(20);
  });

  it('publishes nothing where nobody waits', async () => {
    const pool = uniqueName();
    await using store = redisStore({ url: redisUrl, pool });
    await using other = redisStore({ url: redisUrl, pool });
    await store.add([session('a')]);
    const { wake: _, ...withoutWaiting } = request;
    // A subscriber of whom the server was not told that somebody waits.
    const { createClient } = await import('redis');
    const subscriber = createClient({ url: redisUrl });
    const heard: string[] = [];
    await subscriber.connect();
    await subscriber.subscribe(`troupe:{${pool}}:due`, (message) => heard.push(message));
    const giveAndTake = async () => {
      const held = await store.lease(withoutWaiting);
      if (held.kind === 'leased') await store.release(held.lease, null);
    };
    await giveAndTake();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual([]);
    const held = await store.lease(withoutWaiting);
    expect((await other.lease(request)).kind).toBe('none');
    if (held.kind === 'leased') await store.release(held.lease, null);
    await expect.poll(() => heard.length).toBe(1);
    subscriber.destroy();
  });
});
