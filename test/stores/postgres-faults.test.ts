import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../playground/servers/postgres-server.ts';
import type { LocalServer } from '../../playground/servers/server-process.ts';
import { type PostgresStore, postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import type { LeasedResult } from '../../src/stores/store.ts';
import { postgresUrl, uniqueName } from '../servers/index.ts';
import { session } from './hammer.ts';

const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 60_000, holder: 'test:1' } as const;

describe.skipIf(!postgresUrl)('a server that fails', () => {
  let server: LocalServer;
  let store: PostgresStore;
  const unhandled: unknown[] = [];
  const hear = (error: unknown) => unhandled.push(error);

  beforeAll(async () => {
    server = await startPostgres();
    process.on('unhandledRejection', hear);
  });
  afterAll(async () => {
    process.off('unhandledRejection', hear);
    await server.close();
  });
  beforeEach(async () => {
    store = postgresStore({ url: server.url, schema: uniqueName() });
    await store.add(Array.from({ length: 20 }, (_, index) => session(`s-${index}`)));
  });
  afterEach(async () => {
    await store.close();
    expect(unhandled).toEqual([]);
  });

  async function leased(): Promise<LeasedResult> {
    const result = await store.lease(request);
    if (result.kind !== 'leased') throw new Error(`leased expected, got ${result.kind}`);
    return result;
  }

  const used = (held: LeasedResult) =>
    ({ usageCount: held.session.usageCount + 1, errorScore: 0, status: 'usable', body: 'use 1' }) as const;

  /** Asks again while the server is away, as a pool does. */
  async function again<T>(call: () => T | Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if ((error as { code?: string }).code !== 'STORE_UNAVAILABLE') throw error;
        await sleep(20);
      }
    }
  }

  it('is said to be unavailable, and used again when it is back', async () => {
    const held = await leased();
    await server.stop();
    const calls = [
      store.lease(request),
      store.release(held.lease, used(held)),
      store.count(),
      store.get('s-1'),
    ];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    await server.start();
    expect(await again(() => store.release(held.lease, used(held), true))).toBe('released');
    expect((await again(leased)).kind).toBe('leased');
  });

  it('keeps every acknowledged use when it is killed in the middle of the work', async () => {
    const uses = new Map<string, number>();
    let isOver = false;
    const user = async () => {
      while (!isOver) {
        const held = await again(leased).catch(() => undefined);
        if (held === undefined) continue;
        const answer = await again(() => store.release(held.lease, used(held), true));
        expect(answer).toBe('released');
        uses.set(held.lease.id, held.session.usageCount + 1);
      }
    };
    const users = Array.from({ length: 10 }, user);
    for (let round = 0; round < 2; round++) {
      await sleep(200);
      await server.kill();
      await sleep(100);
      await server.start();
    }
    await sleep(200);
    isOver = true;
    await Promise.all(users);
    expect(uses.size).toBeGreaterThan(0);
    for (const [id, count] of uses) expect((await store.get(id))?.usageCount).toBeGreaterThanOrEqual(count);
  });

  it('answers a release that is asked again as done, and writes nothing', async () => {
    const held = await leased();
    expect(await store.release(held.lease, used(held))).toBe('released');
    const before = await store.get(held.lease.id);
    const repeated = { ...used(held), usageCount: 99, body: 'other' };
    expect(await store.release(held.lease, repeated, true)).toBe('released');
    expect(await store.release(held.lease, { ...repeated, status: 'retired' }, true)).toBe('released');
    expect(await store.release(held.lease, repeated)).toBe('lost');
    expect(await store.get(held.lease.id)).toEqual(before);
    const next = await store.lease({ ...request, id: held.lease.id });
    expect(next.kind).toBe('leased');
    expect(await store.release(held.lease, repeated, true)).toBe('lost');
  });

  it('answers the creation that is asked again with the lease that it made', async () => {
    const place = await store.lease({ ...request, fill: 'first', limit: 100 });
    if (place.kind !== 'vacant') throw new Error('not vacant');
    const made = await store.create(place.lease, session('made'));
    expect(made.kind).toBe('created');
    expect(await store.create(place.lease, session('made'))).toEqual(made);
    expect(await store.create(place.lease, session('other'))).toEqual({ kind: 'lost' });
    expect((await store.count()).living).toBe(21);
  });

  it('goes on when an administrator ends its connections', async () => {
    const admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    let woken = 0;
    const stop = store.watch!(() => woken++);
    try {
      for (let round = 0; round < 3; round++) {
        const held = await again(leased);
        await sleep(150);
        await admin.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'troupe'",
        );
        expect(await again(() => store.release(held.lease, used(held), true))).toBe('released');
      }
      // It listens again, and so hears of what others do.
      woken = 0;
      await expect.poll(() => woken, { timeout: 5000 }).toBeGreaterThan(0);
    } finally {
      stop();
      await admin.end();
    }
  });

  it('waits a bounded time for a server that stalls', async () => {
    const held = await leased();
    server.pause();
    const start = performance.now();
    try {
      await expect(store.lease(request)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(performance.now() - start).toBeLessThan(30_000);
    } finally {
      server.resume();
    }
    expect(await again(() => store.release(held.lease, used(held), true))).toBe('released');
  });

  it('takes a server that became a standby for one that is away', async () => {
    const admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    try {
      await admin.query('alter database troupe set default_transaction_read_only = on');
      await using other = postgresStore({ url: server.url, schema: store.schema });
      await expect(other.lease(request)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('read-only'),
      });
    } finally {
      await admin.query('set default_transaction_read_only = off');
      await admin.query('alter database troupe reset default_transaction_read_only');
      await admin.end();
    }
  });

  it('says that there is no connection left', async () => {
    const others: pg.Client[] = [];
    await using small = await startPostgres({
      config: ['max_connections=6', 'superuser_reserved_connections=0', 'max_wal_senders=0'],
    });
    try {
      for (;;) {
        const client = new pg.Client({ connectionString: small.url });
        client.on('error', () => {});
        await client.connect();
        others.push(client);
      }
    } catch {
      // Full.
    }
    await using other = postgresStore({ url: small.url });
    await expect(other.open()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('max_connections'),
    });
    await Promise.all(others.map((client) => client.end()));
    expect((await again(() => other.count())).living).toBe(0);
  });
});
