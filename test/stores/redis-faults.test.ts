import { createClient, createCluster } from 'redis';
import { describe, expect, it } from 'vitest';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { keysOf } from '../../src/stores/redis/keys.ts';
import { type RedisStore, redisStore } from '../../src/stores/redis/redis-store.ts';
import type { LeasedResult, LeaseRequest, NewSession, ReleaseChange } from '../../src/stores/store.ts';
import { redisUrl, uniqueName } from '../servers/index.ts';

const request: LeaseRequest = {
  rotation: 'round-robin',
  fill: 'on-demand',
  leaseMs: 60_000,
  holder: 'test:1',
};
const used: ReleaseChange = { usageCount: 1, errorScore: 0, status: 'usable', body: 'used' };

function session(id: string, overrides: Partial<NewSession> = {}): NewSession {
  const counts = { ageMs: 0, expiresInMs: null, usageCount: 0, maxUsageCount: null, errorScore: 0 };
  return { id, ...counts, body: 'new', ...overrides };
}

async function leased(store: RedisStore): Promise<LeasedResult> {
  const result = await store.lease(request);
  if (result.kind !== 'leased') throw new Error(`leased expected, got ${result.kind}`);
  return result;
}

/** A client of the test's own. */
async function connected(url: string) {
  return await createClient({ url })
    .on('error', () => {})
    .connect();
}

/** Everything that a pool asks of its store, once. */
async function useAll(store: RedisStore): Promise<void> {
  await store.add([session('a', { key: 'k', tag: 't', expiresInMs: 60_000 }), session('b')], 10);
  const held = await leased(store);
  await store.renew([{ lease: held.lease, leaseMs: 60_000, body: 'kept' }]);
  await store.order({ ids: [held.lease.id] }, { kind: 'rest', ms: 10, site: 'other.example' });
  const blocks = [{ site: 'shop.example', ms: null }];
  expect(await store.release(held.lease, { ...used, restMs: 5, blocks })).toBe('released');
  const place = await store.lease({ ...request, fill: 'first', limit: 10, site: 'shop.example' });
  if (place.kind !== 'vacant') throw new Error('no place');
  expect((await store.create(place.lease, session('c'))).kind).toBe('created');
  await store.lease({ ...request, rotation: 'random', site: 'shop.example' });
  await store.lease({ ...request, id: 'nobody', wake: true });
  await store.order({ tag: 't' }, { kind: 'retire', reason: 'done' });
  await store.order({ tag: 't' }, { kind: 'revive', expiresInMs: null });
  await store.order({ ids: ['b'] }, { kind: 'lift' });
  await store.rewrite?.([{ id: 'a', ifBody: 'kept', body: 'rewritten' }]);
  await store.putDocument('d', '{}', 0);
  expect(await store.document('d')).toEqual({ value: '{}', version: 1 });
  expect((await store.get('a'))?.key).toBe('k');
  expect((await store.list({ limit: 10 })).sessions).toHaveLength(3);
  expect((await store.count()).living).toBe(3);
  await store.prune({ olderThanMs: 0, keepAtMost: 0, limit: 10 });
  expect(await store.remove(['a', 'b', 'c'])).toBe(3);
}

describe.skipIf(!redisUrl)('faults of the server', () => {
  it('fails in time while the server is gone, and goes on by itself when it is back', async () => {
    await using server = await startRedis();
    await using store = redisStore({ url: server.url });
    await store.add([session('a'), session('b')]);
    const held = await leased(store);
    await server.kill();

    const startedAt = performance.now();
    const calls = [store.release(held.lease, used), store.lease(request), store.count()];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    expect(performance.now() - startedAt).toBeLessThan(30_000);

    await server.start();
    // The server has forgotten the scripts; nothing of this shows.
    expect(await store.release(held.lease, used, true)).toBe('released');
    expect(await store.get(held.lease.id)).toMatchObject({ state: 'ready', usageCount: 1, body: 'used' });
    expect(await store.release(held.lease, { ...used, usageCount: 9 }, true)).toBe('released');
    expect((await store.get(held.lease.id))?.usageCount).toBe(1);
    expect(await store.release(held.lease, used)).toBe('lost');
    await leased(store);
  });

  it('waits for a server that is away for a moment', async () => {
    await using server = await startRedis();
    await using store = redisStore({ url: server.url });
    await store.add([session('a')]);
    await server.stop();
    const [result] = await Promise.all([store.lease(request), server.start()]);
    expect(result.kind).toBe('leased');
  });

  it('needs nobody to load its scripts again', async () => {
    await using store = redisStore({ url: redisUrl, pool: uniqueName() });
    await store.add([session('a')]);
    const client = await connected(redisUrl);
    const held = await leased(store);
    await client.scriptFlush();
    expect(await store.release(held.lease, used)).toBe('released');
    await client.scriptFlush();
    const results = await Promise.all([store.lease(request), store.lease(request), store.count()]);
    expect(results.map((result) => 'kind' in result && result.kind)).toEqual(['leased', 'none', false]);
    client.destroy();
  });

  it('gives up on a server that stalls, asks nothing more of it, and gives back what it leased late', async () => {
    await using server = await startRedis();
    await using store = redisStore({ url: server.url });
    await store.add([session('a')]);
    server.pause();
    const startedAt = performance.now();
    await expect(store.lease(request)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const firstMs = performance.now() - startedAt;
    expect(firstMs).toBeGreaterThan(4500);
    const secondAt = performance.now();
    await expect(store.lease(request)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(performance.now() - secondAt).toBeLessThan(firstMs);
    server.resume();
    await expect
      .poll(async () => (await Promise.resolve(store.get('a')).catch(() => undefined))?.state, {
        timeout: 10_000,
      })
      .toBe('ready');
    // Nobody had it: so it is no use.
    expect((await leased(store)).session.usageCount).toBe(0);
  });

  it('survives that its connections are cut, the one that listens too', async () => {
    await using server = await startRedis();
    await using store = redisStore({ url: server.url });
    await using other = redisStore({ url: server.url });
    await store.add([session('a')]);
    let woken = 0;
    store.watch?.(() => woken++);
    await expect.poll(() => woken).toBeGreaterThan(0);
    const client = await connected(server.url);
    for (const type of ['normal', 'pubsub']) {
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes']);
    }
    const held = await leased(other);
    await expect
      .poll(async () => await client.pubSubNumSub(keysOf('troupe')[0]!))
      .toMatchObject({
        [keysOf('troupe')[0]!]: 1,
      });
    const before = woken;
    await other.release(held.lease, null);
    await expect.poll(() => woken).toBeGreaterThan(before);
    client.destroy();
  });

  it('finishes what was asked before it is closed', async () => {
    const pool = uniqueName();
    const store = redisStore({ url: redisUrl, pool });
    await store.add([session('a'), session('b')]);
    const held = await leased(store);
    const calls = [store.release(held.lease, used), store.release(held.lease, used), store.lease(request)];
    await store.close();
    const [first, second, third] = await Promise.all(calls);
    expect([first, second]).toEqual(['released', 'lost']);
    expect(third).toMatchObject({ kind: 'leased', lease: { id: 'b' } });
    await using again = redisStore({ url: redisUrl, pool });
    expect(await again.get('a')).toMatchObject({ usageCount: 1, body: 'used', state: 'ready' });
  });

  it('keeps apart who ask for different things at the same time', async () => {
    await using store = redisStore({ url: redisUrl, pool: uniqueName() });
    await store.add(['a', 'b', 'c', 'd'].map((id) => session(id)));
    const results = await Promise.all([
      store.lease({ ...request, id: 'c' }),
      store.lease({ ...request, holder: 'one:1' }),
      store.lease({ ...request, site: 'undefined' }),
      store.lease({ ...request, holder: 'one:1' }),
      store.lease(request),
      store.lease({ ...request, limit: 5 }),
    ]);
    const ids = results.map((result) => (result.kind === 'leased' ? result.lease.id : result.kind));
    expect(ids[0]).toBe('c');
    expect(new Set(ids).size).toBe(6);
    expect(ids.slice(4)).toEqual(['none', 'vacant']);
  });

  it('is closed for good once it is closed', async () => {
    const store = redisStore({ url: redisUrl, pool: uniqueName() });
    await store.open();
    await store.close();
    await expect(store.count()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    const neverOpened = redisStore({ url: redisUrl, pool: uniqueName() });
    await neverOpened.close();
  });
});

describe.skipIf(!redisUrl)('ways to connect', () => {
  it('uses a client that was handed in, and leaves it open', async () => {
    const client = createClient({ url: redisUrl });
    await using early = redisStore({ client, pool: uniqueName() });
    await expect(early.open()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    await client.connect();
    const store = redisStore({ client, pool: uniqueName() });
    await useAll(store);
    await store.close();
    expect(client.isReady).toBe(true);
    expect(await client.ping()).toBe('PONG');
    expect(client.listenerCount('error')).toBe(0);
    client.destroy();
  });

  it('needs no more rights than to its own keys, its channel and scripts', async () => {
    await using server = await startRedis();
    const client = await connected(server.url);
    const rules = '>secret ~troupe:{shop}:* &troupe:{shop}:* -@all +@scripting +@read +@write +@pubsub +time';
    await client.sendCommand(['ACL', 'SETUSER', 'worker', 'on', ...rules.split(' ')]);
    const url = `redis://worker:secret@${server.host}:${server.port}`;
    await using store = redisStore({ url, pool: 'shop' });
    await useAll(store);
    await using foreign = redisStore({ url, pool: 'other' });
    await expect(foreign.open()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    client.destroy();
  });

  it('keeps a pool in one slot of a Cluster, by a plain client or one for Clusters', async () => {
    await using server = await startRedis({ config: ['--cluster-enabled', 'yes'] });
    const client = await connected(server.url);
    for (let slot = 0; slot < 16_384; slot += 4096) {
      const slots = Array.from({ length: 4096 }, (_, index) => String(slot + index));
      await client.sendCommand(['CLUSTER', 'ADDSLOTS', ...slots]);
    }
    await expect
      .poll(() => client.sendCommand(['CLUSTER', 'INFO']), { timeout: 15_000 })
      .toMatch(/cluster_state:ok/);
    const slots = await Promise.all(keysOf('shop').map((key) => client.clusterKeySlot(key)));
    expect(new Set(slots).size).toBe(1);
    {
      await using plain = redisStore({ url: server.url, pool: 'shop' });
      await useAll(plain);
    }
    const cluster = createCluster({ rootNodes: [{ url: server.url }] });
    await cluster.connect();
    {
      await using store = redisStore({ client: cluster, pool: 'shop-2' });
      await useAll(store);
      await store.add([session('z')]);
      await using other = redisStore({ url: server.url, pool: 'shop-2' });
      const held = await leased(other);
      let woken = 0;
      store.watch?.(() => woken++);
      await expect.poll(() => woken).toBeGreaterThan(0);
      const before = woken;
      await other.release(held.lease, null);
      await expect.poll(() => woken).toBeGreaterThan(before);
    }
    expect(cluster.isOpen).toBe(true);
    cluster.destroy();
    client.destroy();
  });
});
