import { describe, expect, it } from 'vitest';
import { type PoolEvents, type SessionPool, type SessionPoolOptions, sqliteStore } from '../../src/index.ts';
import { FaultyStore } from './faulty-store.ts';
import { failureOf, isPending, type Scene, scene, serve, sleep, until } from './helpers.ts';

/** A pool on a store behind a bad connection, and a sound one on the same sessions, as another worker has it. */
async function twoWorkers(stage: Scene, options: SessionPoolOptions = {}) {
  const store = new FaultyStore(stage.store());
  const pool = stage.pool({ store, maxPoolSize: 1, ...options });
  const other = stage.pool({ maxPoolSize: 1, create: false, ...options });
  await pool.add({ id: 'a' });
  return { store, pool, other };
}

function heard<Name extends keyof PoolEvents>(pool: SessionPool, name: Name): PoolEvents[Name][] {
  const events: PoolEvents[Name][] = [];
  pool.on(name, (event) => events.push(event));
  return events;
}

describe('while the store is away, acquire', () => {
  it('waits, and goes on by itself when it is back', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage);
    const away = heard(pool, 'storeAway');
    const back = heard(pool, 'storeBack');
    const errors = heard(pool, 'error');
    store.fail('not sent');
    const waiting = pool.acquire();
    expect(await isPending(waiting, 200)).toBe(true);
    store.heal();
    await using lease = await waiting;
    expect(lease.session.id).toBe('a');
    expect(away).toEqual([{ error: expect.objectContaining({ code: 'STORE_UNAVAILABLE' }) }]);
    expect(back).toEqual([{ awayMs: expect.any(Number) }]);
    expect(back[0]!.awayMs).toBeGreaterThan(150);
    expect(errors).toEqual([]);
  });

  it('fails after its time with STORE_UNAVAILABLE, where no session free is ACQUIRE_TIMEOUT', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage, { name: 'shop' });
    await using _held = await pool.acquire();
    expect(await failureOf(pool.acquire({ timeoutMs: 50 }))).toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    store.fail('not sent');
    const since = performance.now();
    const error = await failureOf(pool.acquire({ timeoutMs: 150 }));
    expect(performance.now() - since).toBeLessThan(10_000);
    expect(error).toMatchObject({ name: 'StoreError', code: 'STORE_UNAVAILABLE' });
    expect(error.message).toMatch(
      /^pool "shop": no session could be had within 150 ms, for the store has been away for \d+ ms: the connection was refused$/,
    );
    expect(error.cause).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.heal();
  });

  it('ends with its time or its signal, although the store does not answer at all', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage);
    store.fail('hangs');
    const changed = new AbortController();
    const timedOut = failureOf(pool.acquire({ timeoutMs: 100 }));
    const aborted = failureOf(pool.acquire({ signal: changed.signal }));
    changed.abort(new Error('changed my mind'));
    expect(await aborted).toBe(changed.signal.reason);
    const error = await timedOut;
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(error.message).toContain('does not answer');
    store.heal();
  });

  it('sends one probe at a time, however many wait', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage, { maxPoolSize: 50 });
    store.fail('not sent');
    const waiting = Array.from({ length: 50 }, (_, index) =>
      pool.acquire(index % 2 ? { site: `site${index}.example` } : {}),
    );
    await sleep(100);
    const before = store.calls.lease;
    const since = performance.now();
    await sleep(1_000);
    await until(() => store.calls.lease > before, 'it was asked');
    // Pauses of 100 ms to 1 s, each half at chance.
    const seconds = (performance.now() - since) / 1_000;
    expect(store.calls.lease - before).toBeLessThan(15 * seconds);
    store.heal();
    for (const lease of await Promise.all(waiting)) await lease.release();
  });

  it('is served in line when it is back', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage);
    store.fail('not sent');
    const order: number[] = [];
    const waiting = [0, 1, 2, 3].map(async (index) => {
      const lease = await pool.acquire();
      order.push(index);
      await lease.release();
    });
    await sleep(50);
    store.heal();
    await Promise.all(waiting);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('waits also where the pool was never open', async () => {
    await using stage = await scene('sqlite');
    const store = new FaultyStore(stage.store());
    store.fail('not sent');
    const pool = stage.pool({ store });
    expect(await failureOf(pool.acquire({ timeoutMs: 120 }))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const changed = new AbortController();
    const aborted = failureOf(pool.acquire({ signal: changed.signal }));
    changed.abort(new Error('changed my mind'));
    expect(await aborted).toBe(changed.signal.reason);
    const waiting = pool.acquire();
    expect(await isPending(waiting, 100)).toBe(true);
    store.heal();
    await using lease = await waiting;
    expect(lease.isHeld).toBe(true);
  });
});

it('gets what is free also without waiting, by the first look at a store that takes its time', async () => {
  await using stage = await scene('sqlite');
  const store = new FaultyStore(stage.store());
  const pool = stage.pool({ store, maxPoolSize: 1 });
  store.fail({ lateMs: 50 });
  const lease = await pool.acquire({ timeoutMs: 0 });
  const since = performance.now();
  expect(await failureOf(pool.acquire({ timeoutMs: 0 }))).toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
  expect(performance.now() - since).toBeLessThan(10_000);
  await lease.release();
  const changed = AbortSignal.abort(new Error('changed my mind'));
  const never = stage.pool({ store });
  expect(await failureOf(never.acquire({ signal: changed }))).toBe(changed.reason);
});

it('makes no session for one who left while the store was looking', async () => {
  await using stage = await scene('sqlite');
  const store = new FaultyStore(stage.store());
  const made: boolean[] = [];
  const pool = stage.pool({
    store,
    maxPoolSize: 1,
    onCreate: (_session, { signal }) => void made.push(signal.aborted),
  });
  await pool.stats();
  store.fail('hangs', 'lease', 1);
  const changed = new AbortController();
  const left = failureOf(pool.acquire({ signal: changed.signal }));
  await until(() => store.calls.lease === 1, 'the store is looking');
  changed.abort(new Error('changed my mind'));
  expect(await left).toBe(changed.signal.reason);
  store.heal();
  await using lease = await pool.acquire();
  expect([lease.isHeld, made]).toEqual([true, [false]]);
});

describe('a lease that arrives late', () => {
  it('goes back at once where its caller has given up', async () => {
    await using stage = await scene('sqlite');
    const { store, pool, other } = await twoWorkers(stage);
    store.fail('hangs');
    expect(await failureOf(pool.acquire({ timeoutMs: 50 }))).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.heal();
    // Long before the lease of 60 s ends.
    await using lease = await other.acquire({ timeoutMs: 20_000 });
    expect(lease.session.usageCount).toBe(0);
  });

  it('goes back where the store took so long that it counts as away, and another is asked for', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage, { leaseMs: 1_800 });
    const away = heard(pool, 'storeAway');
    store.fail({ lateMs: 1_500 }, 'lease', 1);
    await using lease = await pool.acquire();
    expect(lease.session.usageCount).toBe(0);
    expect(lease.signal.aborted).toBe(false);
    expect(away).toHaveLength(1);
    expect(store.calls.lease).toBeGreaterThan(1);
  });

  it('is never handed out once it is no longer safe, also by a store of this machine', async () => {
    await using stage = await scene('sqlite');
    const store = new FaultyStore(stage.store(), { shared: 'machine' });
    const pool = stage.pool({ store, maxPoolSize: 1, leaseMs: 2_000 });
    await pool.add({ id: 'a' });
    store.fail({ lateMs: 1_950 }, 'lease', 1);
    await using site = await serve((_request, response) => response.end('ok'));
    await using lease = await pool.acquire();
    expect(store.calls.lease).toBeGreaterThan(1);
    expect((await lease.session.fetch(site.url)).status).toBe(200);
  });
});

describe('a release', () => {
  it('is repeated until the store has it, and counts once', async () => {
    await using stage = await scene('sqlite');
    const { store, pool, other } = await twoWorkers(stage);
    for (const fault of ['not sent', 'answer lost'] as const) {
      const lease = await pool.acquire();
      lease.session.userData.fault = fault;
      lease.session.markGood();
      store.fail(fault, 'release', 3);
      await lease.release();
      await using next = await other.acquire();
      expect(next.session.userData).toEqual({ fault });
    }
    expect((await other.get('a'))?.usageCount).toBe(2);
    expect(store.calls.release).toBe(8);
  });

  it('is LEASE_LOST where the store stays away until the lease is over, and writes nothing then', async () => {
    await using stage = await scene('sqlite');
    const { store, pool, other } = await twoWorkers(stage, { leaseMs: 1_500 });
    const lost = heard(pool, 'lost');
    const lease = await pool.acquire();
    lease.session.userData.by = 'the one that lost it';
    lease.session.markGood();
    store.fail('not sent');
    const since = performance.now();
    const error = await failureOf(lease.release());
    expect(performance.now() - since).toBeLessThan(15_000);
    expect(error).toMatchObject({ code: 'LEASE_LOST', sessionId: 'a', cause: { code: 'STORE_UNAVAILABLE' } });
    expect(lost).toEqual([{ sessionId: 'a', reason: expect.stringContaining('away') }]);
    store.heal();
    await using next = await other.acquire();
    // The lease that nobody gave back counts as a use.
    expect([next.session.usageCount, next.session.userData]).toEqual([1, {}]);
  });

  it('that fails costs run and fetch nothing of what they brought home', async () => {
    await using stage = await scene('sqlite');
    await using site = await serve((_request, response) => response.end('the page'));
    const { store, pool } = await twoWorkers(stage, { leaseMs: 1_500, maxPoolSize: 2 });
    const lost = heard(pool, 'lost');
    expect(
      await pool.run(() => {
        store.fail('not sent', 'release');
        return 'the result';
      }),
    ).toBe('the result');
    const response = await pool.fetch(site.url);
    expect(await response.text()).toBe('the page');
    expect(lost).toHaveLength(2);
    store.heal();
  });
});

describe('a held lease', () => {
  it('outlives an outage that is shorter', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage, { leaseMs: 3_000 });
    const lease = await pool.acquire();
    store.fail('not sent');
    await sleep(1_800);
    store.heal();
    await sleep(1_800);
    expect(lease.signal.aborted).toBe(false);
    lease.session.markGood();
    await lease.release();
    expect((await pool.get('a'))?.usageCount).toBe(1);
  });

  it.each(['not sent', 'answer lost', 'hangs'] as const)(
    'is told as lost before anybody else can have the session (%s)',
    async (fault) => {
      await using stage = await scene('sqlite');
      const { store, pool, other } = await twoWorkers(stage, { leaseMs: 1_000 });
      const lease = await pool.acquire();
      const { promise: told, resolve } = Promise.withResolvers<number>();
      lease.signal.addEventListener('abort', () => resolve(performance.now()));
      const next = other.acquire().then((other) => ({ other, at: performance.now() }));
      // The renewal that loses its answer extends the lease all the same: the holder may stop early, never late.
      store.fail(fault, 'renew');
      const toldAt = await told;
      const { other: taken, at } = await next;
      expect(toldAt).toBeLessThan(at);
      expect(lease.signal.reason).toMatchObject({ code: 'LEASE_LOST' });
      lease.session.userData.late = true;
      store.heal();
      await expect(lease.release()).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(taken.session.userData).toEqual({});
      await taken.release();
    },
  );

  it('is renewed although the renewal of another hangs', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage, { leaseMs: 2_700, maxPoolSize: 2 });
    const first = await pool.acquire();
    store.fail('hangs', 'renew', 1);
    await until(() => store.calls.renew === 1, 'the first is being renewed');
    const second = await pool.acquire();
    await sleep(3_000);
    expect(second.signal.aborted).toBe(false);
    expect(store.calls.renew).toBeGreaterThan(1);
    // Its own second renewal came through, too.
    expect(first.signal.aborted).toBe(false);
    await Promise.all([first.release(), second.release()]);
    store.heal();
  });
});

describe('a new session', () => {
  it.each(['not sent', 'answer lost'] as const)(
    'is there in the end, and the limit holds (%s)',
    async (fault) => {
      await using stage = await scene('sqlite');
      const store = new FaultyStore(stage.store());
      let made = 0;
      const pool = stage.pool({ store, maxPoolSize: 1, leaseMs: 1_500, onCreate: () => void made++ });
      const paused = heard(pool, 'creationPaused');
      store.fail(fault, 'create', 1);
      const lease = await pool.acquire();
      expect(lease.isHeld).toBe(true);
      expect((await pool.stats()).sessions).toMatchObject({ usable: 1, leased: 1, places: 0 });
      expect(made).toBe(1);
      // One whose creation was never acknowledged had a lease that ended by itself.
      expect(lease.session.usageCount).toBe(fault === 'not sent' ? 0 : 1);
      expect(paused).toEqual([]);
      await lease.release();
    },
  );

  it('that took longer to make than the store was away is no failure of its maker', async () => {
    await using stage = await scene('sqlite');
    const store = new FaultyStore(stage.store());
    const pool = stage.pool({
      store,
      maxPoolSize: 1,
      leaseMs: 1_500,
      maxCreateFailures: 1,
      onCreate: async (_session, { signal }) => {
        if (attempts++ > 0) return;
        store.fail('not sent');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        store.heal();
      },
    });
    let attempts = 0;
    const paused = heard(pool, 'creationPaused');
    await using lease = await pool.acquire();
    expect(lease.signal.aborted).toBe(false);
    expect(attempts).toBe(2);
    expect(paused).toEqual([]);
  });

  it('has a safe time that counts from its last renewal, however long it took to make', async () => {
    await using stage = await scene('sqlite');
    const store = new FaultyStore(stage.store());
    const pool = stage.pool({ store, maxPoolSize: 1, leaseMs: 1_500, onCreate: () => sleep(2_000) });
    const lease = await pool.acquire();
    store.fail('not sent', 'renew');
    const told = Promise.withResolvers<void>();
    lease.signal.addEventListener('abort', () => told.resolve());
    // Renewed while it was made, at the latest just before the store took it in.
    const leaseIsOver = sleep(1_500).then(() => 'too late');
    expect(await Promise.race([told.promise.then(() => 'in time'), leaseIsOver])).toBe('in time');
    store.heal();
    await lease.release().catch(() => {});
  });
});

describe('closing with the store away', () => {
  it('ends, and says what could not be given back', async () => {
    await using stage = await scene('sqlite');
    const { store, pool, other } = await twoWorkers(stage, { leaseMs: 1_500, maxPoolSize: 3 });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    const lost = heard(pool, 'lost');
    const refused = failureOf(pool.acquire());
    store.fail('hangs');
    const since = performance.now();
    await pool.close();
    expect(performance.now() - since).toBeLessThan(15_000);
    expect(await refused).toMatchObject({ code: 'POOL_CLOSED' });
    expect(leases.every((lease) => lease.signal.aborted)).toBe(true);
    expect(lost.map(({ sessionId }) => sessionId).toSorted()).toEqual(
      leases.map(({ session }) => session.id).toSorted(),
    );
    store.heal();
    await using lease = await other.acquire();
    expect(lease.isHeld).toBe(true);
  });

  it('ends a draining pool when its tasks have ended', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage, { leaseMs: 500 });
    const lease = await pool.acquire();
    store.fail('not sent');
    const drained = pool.drain();
    expect(await isPending(drained, 50)).toBe(true);
    expect(await failureOf(lease.release())).toMatchObject({ code: 'LEASE_LOST' });
    await drained;
    store.heal();
  });
});

describe('a worker whose clock is off', () => {
  it.each([-600_000, 600_000])(
    'by %i ms neither ends sessions early nor keeps them longer',
    async (offMs) => {
      const server = { now: () => Date.now() - offMs, monotonic: () => performance.now() };
      await using stage = await scene('sqlite');
      const store = new FaultyStore(sqliteStore({ path: stage.file, clock: server }));
      const pool = stage.pool({ store, maxPoolSize: 1, session: { maxAgeMs: 300_000 } });
      const first = await pool.acquire();
      first.session.rest(0);
      expect(first.session.isExpired).toBe(false);
      await first.release();
      const lease = await pool.acquire();
      const { session } = lease;
      expect(session.status).toBe('usable');
      // All instants are the server's.
      expect(Math.abs(session.createdAt.getTime() - server.now())).toBeLessThan(60_000);
      expect(Math.abs(session.expiresAt!.getTime() - server.now() - 300_000)).toBeLessThan(60_000);
      session.rest(60_000);
      for (const { at } of session.decisions) expect(Math.abs(at - server.now())).toBeLessThan(60_000);
      await lease.release();
      const stored = await pool.get(session.id);
      expect(stored).toMatchObject({ state: 'resting' });
      expect(Math.abs(stored!.untilAt!.getTime() - server.now() - 60_000)).toBeLessThan(60_000);
      await pool.close();
      await store.close();
    },
  );

  it('and is set right in the middle keeps its leases alive', async () => {
    await using stage = await scene('sqlite');
    let offMs = 600_000;
    const clock = { now: () => Date.now() + offMs, monotonic: () => performance.now() };
    const { store, pool } = await twoWorkers(stage, { clock, leaseMs: 2_700 });
    const lease = await pool.acquire();
    offMs = 0;
    await sleep(3_600);
    expect(lease.signal.aborted).toBe(false);
    expect(store.calls.renew).toBeGreaterThan(1);
    lease.session.markGood();
    await lease.release();
    expect((await pool.get('a'))?.usageCount).toBe(1);
  });
});

describe('a wake-up', () => {
  it('leads to one look, however many wait and however often it comes', async () => {
    await using stage = await scene('sqlite');
    const { store, pool } = await twoWorkers(stage, { timeoutMs: 20_000 });
    const held = await pool.acquire();
    const waiting = Array.from({ length: 50 }, () => pool.acquire().then((lease) => lease.release()));
    await sleep(200);
    const before = store.calls.lease;
    store.wake();
    await sleep(50);
    expect(store.calls.lease - before).toBeLessThanOrEqual(5);
    store.wake(100);
    await sleep(50);
    expect(store.calls.lease - before).toBeLessThanOrEqual(15);
    await held.release();
    await Promise.all(waiting);
  });

  it('that gets lost costs seconds, not the rest of the wait', async () => {
    await using stage = await scene('sqlite');
    const { store, pool, other } = await twoWorkers(stage, { timeoutMs: 20_000 });
    const held = await other.acquire();
    const waiting = pool.acquire();
    await isPending(waiting);
    store.isDeaf = true;
    await held.release();
    const since = performance.now();
    await using lease = await waiting;
    expect(performance.now() - since).toBeLessThan(15_000);
    expect(lease.isHeld).toBe(true);
  });
});

it('leaves the one who has the session now his connections, when a release turns out to be lost', async () => {
  await using stage = await scene('sqlite');
  const answering = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using site = await serve(async (_request, response) => {
    asked.resolve();
    await answering.promise;
    response.end('the page');
  });
  const store = new FaultyStore(stage.store(), { shared: 'machine' });
  const pool = stage.pool({ store, maxPoolSize: 1, leaseMs: 1_500 });
  await pool.add({ id: 'a' });
  const first = await pool.acquire();
  store.fail('hangs', 'release', 1);
  const released = failureOf(first.release());
  // Its lease runs out on the way.
  const second = await pool.acquire();
  const fetching = second.session.fetch(site.url);
  await asked.promise;
  store.heal();
  expect(await released).toMatchObject({ code: 'LEASE_LOST' });
  answering.resolve();
  expect(await (await fetching).text()).toBe('the page');
  await second.release();
});
