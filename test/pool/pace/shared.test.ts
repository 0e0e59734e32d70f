import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionPool, type SessionPoolOptions, type SessionStore } from '../../../src/index.ts';
import { sqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { redisUrl, uniqueName } from '../../servers/index.ts';
import { failureOf, serve, sleep, until } from '../helpers.ts';
import { storeAt } from '../store-at.ts';
import { fixedWindow } from './limiters.ts';

const SITE = '127.0.0.1';

/** Counts what is asked of a store's document of paces. */
function counted(store: SessionStore): { reads: number; writes: number } {
  const counts = { reads: 0, writes: 0 };
  const { document, putDocument } = store;
  store.document = (name) => {
    if (name === 'pace') counts.reads += 1;
    return document.call(store, name);
  };
  store.putDocument = (name, value, version) => {
    if (name === 'pace') counts.writes += 1;
    return putDocument.call(store, name, value, version);
  };
  return counts;
}

const entry = (ms: number, more: object = {}) => {
  const now = Date.now();
  const perAddress = { intervalMs: ms, objectedMs: ms, isGuess: false };
  return { learntAt: now, usedAt: now, perAddress, workers: {}, ...more };
};

const kinds = redisUrl ? ['sqlite', 'redis'] : ['sqlite'];

describe.each(kinds)('what was learnt of a site (%s)', (kind) => {
  let folder: string;
  let url: string;
  let pools: SessionPool[];
  let stores: SessionStore[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-pace-'));
    url = `${redisUrl}?pool=${uniqueName()}`;
    pools = [];
    stores = [];
  });
  afterEach(async () => {
    for (const pool of pools) await pool.close();
    for (const store of stores) await store.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  const openStore = (): SessionStore => {
    const store = kind === 'redis' ? storeAt(url) : sqliteStore({ path: join(folder, 'pool.db') });
    stores.push(store);
    return store;
  };
  /** As another worker has it: with a connection of its own. */
  const openPool = (options: SessionPoolOptions = {}): SessionPool => {
    const pool = new SessionPool({ store: openStore(), retries: 0, timeoutMs: 20_000, ...options });
    pools.push(pool);
    return pool;
  };
  const stored = async (sites: object): Promise<void> => {
    expect(await openStore().putDocument('pace', JSON.stringify({ sites }), 0)).toBeDefined();
  };
  const read = async () => JSON.parse((await openStore().document('pace'))?.value ?? '{}').sites;
  const paceOf = async (pool: SessionPool) => (await pool.stats()).sites[SITE]?.pace;
  const timed = async (pool: SessionPool, pages: number, at: string): Promise<number> => {
    await pool.open();
    const since = performance.now();
    await Promise.all(Array.from({ length: pages }, (_, page) => pool.fetch(`${at}/${page}`)));
    return performance.now() - since;
  };

  it('is known to the next worker before its first request', async () => {
    const limiter = fixedWindow(10, 400);
    let refused = 0;
    await using site = await serve((_request, response) => {
      const isServed = limiter.admits('', performance.now());
      if (!isServed) refused += 1;
      response.writeHead(isServed ? 200 : 429).end();
    });
    const first = openPool({ retries: 9 });
    await Promise.all(Array.from({ length: 60 }, (_, page) => first.fetch(`${site.url}/${page}`)));
    expect(refused).toBeGreaterThan(0);
    const { perAddressMs } = (await paceOf(first))!;
    expect(perAddressMs).toBeGreaterThan(0);
    await first.close();
    refused = 0;
    const second = openPool();
    const ms = await timed(second, 12, site.url);
    expect(ms).toBeGreaterThan(10 * 0.6 * perAddressMs);
    expect(refused).toBeLessThan(3);
  });

  it('holds from the first request, and by its share for each who is there', async () => {
    await using site = await serve((_request, response) => response.end());
    const now = Date.now();
    await stored({ [SITE]: entry(100, { workers: { other: now + 5_000, gone: now - 16_000 } }) });
    const pool = openPool();
    // The first two go at once: a turn that was not taken before is not lost.
    expect(await timed(pool, 6, site.url)).toBeGreaterThan(4 * 0.9 * 200);
    expect((await paceOf(pool))?.objections).toBe(0);
    await pool.close();
    const { workers } = (await read())[SITE];
    expect(Object.keys(workers)).toHaveLength(2);
    expect(workers).toHaveProperty('other');
  });

  it('is heard by those at work, and each leaves the other its share', async () => {
    await using site = await serve((_request, response) => response.end());
    const pool = openPool();
    await pool.fetch(site.url);
    await stored({ [SITE]: entry(80) });
    await until(async () => {
      await pool.fetch(site.url);
      return (await paceOf(pool)) !== undefined;
    }, 'it is heard');
    const other = openPool();
    // It finds the mark of the first.
    await until(
      async () => Object.keys((await read())[SITE].workers).length === 1,
      'the first left its mark',
    );
    expect(await timed(other, 6, site.url)).toBeGreaterThan(4 * 0.9 * 160);
  });

  it('is believed half after an hour, and forgotten after a day; a thousand sites are kept', async () => {
    await using site = await serve((_request, response) => response.end());
    const now = Date.now();
    const crowd = Array.from({ length: 1_100 }, (_, n) => [
      `site-${n}.example`,
      entry(10, { usedAt: now - 1_000 * n }),
    ]);
    await stored({
      [SITE]: entry(80, { usedAt: now - 3_600_000 }),
      'old.example': entry(10, { usedAt: now - 86_400_001 }),
      constructor: entry(10),
      ...Object.fromEntries(crowd),
    });
    const pool = openPool();
    await pool.fetch(site.url);
    expect((await paceOf(pool))?.perAddressMs).toBe(40);
    await pool.close();
    const sites = await read();
    expect(Object.keys(sites)).toHaveLength(1_000);
    expect(sites).toHaveProperty([SITE]);
    expect(Object.hasOwn(sites, 'constructor')).toBe(true);
    expect(sites).not.toHaveProperty(['site-1099.example']);
    expect(sites).not.toHaveProperty(['old.example']);
  });

  it('costs a site that never objects nothing, and one that does a write now and then', async () => {
    await using site = await serve((request, response) => {
      response.writeHead(request.url === '/limited' ? 429 : 200).end();
    });
    const store = openStore();
    const counts = counted(store);
    const pool = new SessionPool({ store, retries: 0 });
    pools.push(pool);
    const since = performance.now();
    for (let page = 0; page < 300; page++) await pool.fetch(`${site.url}/${page}`);
    const rounds = 1 + (performance.now() - since) / 2_500;
    expect(counts.writes).toBe(0);
    expect(counts.reads).toBeLessThanOrEqual(Math.ceil(rounds));
    await pool.fetch(`${site.url}/limited`);
    for (let page = 0; page < 60; page++) await pool.fetch(`${site.url}/${page}`);
    await pool.close();
    const seconds = (performance.now() - since) / 1_000;
    expect((await read())[SITE]).toBeDefined();
    expect(counts.writes).toBeLessThanOrEqual(2 + seconds / 5);
  });

  it('includes that a site blocks too many: nobody goes there', async () => {
    await using site = await serve((request, response) => {
      response.writeHead(request.url!.startsWith('/bad') ? 403 : 200).end();
    });
    const options: SessionPoolOptions = { pace: 'off', blockBreaker: { window: 4, pauseMs: 60_000 } };
    const [one, other] = [openPool(options), openPool(options)];
    const told: { site: string; ms: number }[] = [];
    other.on('sitePaused', (event) => told.push(event));
    await other.fetch(site.url);
    for (let n = 0; n < 4; n++) await one.fetch(`${site.url}/bad?${n}`);
    await until(async () => {
      if (told.length > 0) return true;
      await sleep(50);
      await other.fetch(site.url, { timeoutMs: 50 }).catch(() => {});
      return false;
    }, 'the other has heard of it');
    expect(told).toMatchObject([{ site: SITE }]);
    expect(told[0]!.ms).toBeGreaterThan(45_000);
    const late = openPool(options);
    const seen = site.seen.length;
    for (const pool of [other, late]) {
      const error = await failureOf(pool.fetch(site.url, { timeoutMs: 50 }));
      expect(error.code).toBe('ACQUIRE_TIMEOUT');
      expect(error.message).toMatch(/the site rests for [45]\d{4} ms/);
    }
    expect(site.seen).toHaveLength(seen);
    expect(told).toHaveLength(1);
    // Who never stops does not stop for others.
    const bold = openPool({ ...options, blockBreaker: null });
    expect((await bold.fetch(site.url)).status).toBe(200);
  });

  it('is done without where it cannot be read', async () => {
    await using site = await serve((_request, response) => response.end());
    const damaged = '{"sites":3}';
    await openStore().putDocument('pace', damaged, 0);
    const pool = openPool();
    const errors: unknown[] = [];
    pool.on('error', (event) => errors.push(event));
    const end = performance.now() + 3_000;
    while (performance.now() < end) {
      expect((await pool.fetch(site.url)).status).toBe(200);
      await sleep(100);
    }
    expect(errors).toMatchObject([
      { during: 'sharing the pace of sites', error: { code: 'STORE_UNUSABLE' } },
    ]);
    expect((await openStore().document('pace'))?.value).toBe(damaged);
  });
});
