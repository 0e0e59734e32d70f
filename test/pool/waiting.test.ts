import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AcquireError, type SessionLease, SessionPool, type SessionStore } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, isPending, scene, sleep, storeKinds, until } from './helpers.ts';

describe.each(storeKinds)('who waits (%s)', (kind) => {
  it('is served first come, first served, as soon as a session is free', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const held = await pool.acquire();
    const order: number[] = [];
    const waiters = [0, 1, 2, 3, 4].map((index) =>
      pool.acquire().then(async (lease) => {
        order.push(index);
        await lease.release();
      }),
    );
    expect(await isPending(Promise.race(waiters))).toBe(true);
    await held.release();
    await Promise.all(waiters);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('is not overtaken by one who comes at the moment of the release', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const held = await pool.acquire();
    const order: string[] = [];
    const serve = (name: string) =>
      pool.acquire().then(async (lease) => {
        order.push(name);
        await lease.release();
      });
    const first = serve('first');
    expect(await isPending(first)).toBe(true);
    const released = held.release();
    const late = serve('late');
    await Promise.all([released, first, late]);
    expect(order).toEqual(['first', 'late']);
  });

  it('is served in order also among a thousand over three sessions', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 3, session: { maxUsageCount: null }, timeoutMs: 100_000 });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        await using lease = await pool.acquire();
        order.push(index);
        lease.session.markGood();
      }),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).toHaveLength(1000);
    const { sessions, waiting } = await pool.stats();
    expect(sessions).toMatchObject({ usable: 3, leased: 0 });
    expect(waiting).toEqual({ count: 0, oldestMs: 0 });
  });

  it('for one session holds up nobody else, and gets that one', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ create: false });
    await pool.add([{ id: 'a' }, { id: 'b' }]);
    const a = await pool.acquire({ id: 'a' });
    const b = await pool.acquire({ id: 'b' });
    const order: string[] = [];
    const note = (name: string) => (lease: SessionLease) => {
      order.push(`${name} got ${lease.session.id}`);
      return lease;
    };
    const wantsA = pool.acquire({ id: 'a' }).then(note('first'));
    const wantsAny = pool.acquire().then(note('second'));
    await b.release();
    const any = await wantsAny;
    expect(await isPending(wantsA)).toBe(true);
    await any.release();
    expect(await isPending(wantsA)).toBe(true);
    await a.release();
    await (await wantsA).release();
    expect(order).toEqual(['second got b', 'first got a']);
  });

  it('for a site from which all are banned holds up nobody else', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ create: false });
    await pool.add([{ id: 'a' }, { id: 'b' }]);
    await pool.rest('a', 100_000, { site: 'shop.example.com' });
    await pool.rest('b', 100_000, { site: 'https://example.com/' });
    const forSite = pool.acquire({ url: 'https://www.example.com/page' });
    expect(await isPending(forSite)).toBe(true);
    await using _other = await pool.acquire({ url: 'https://example.org/' });
    expect(await pool.rest('b', 0, { site: 'example.com' })).toBe(true);
    await using lease = await forSite;
    expect(lease.session.id).toBe('b');
  });

  it('gives up after timeoutMs, and the error says how things stand', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 3, name: 'shop' });
    await pool.add([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    const lease = await pool.acquire({ id: 'a' });
    await pool.rest('b', 60_000);
    const retiring = await pool.acquire({ id: 'c' });
    retiring.session.retire();
    await retiring.release();
    const last = await pool.acquire();
    const since = performance.now();
    const error = await failureOf(pool.acquire({ timeoutMs: 60 }));
    expect(performance.now() - since).toBeGreaterThan(50);
    expect(error).toBeInstanceOf(AcquireError);
    expect(error).toMatchObject({
      code: 'ACQUIRE_TIMEOUT',
      facts: { leased: 2, resting: 1, banned: 0, retired: 1, nextReadyInMs: expect.any(Number) },
    });
    expect(error.message).toMatch(
      /^pool "shop": .*60 ms: 2 leased, 1 resting, 1 retired, next ready in \d+ ms$/,
    );
    await lease.release();
    await last.release();
  });

  it('takes no session with it when its time is up, or its signal aborts', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const held = await pool.acquire();
    const changed = new AbortController();
    const timedOut = failureOf(pool.acquire({ timeoutMs: 20 }));
    const aborted = failureOf(pool.acquire({ signal: changed.signal }));
    const patient = pool.acquire();
    expect(await isPending(patient)).toBe(true);
    changed.abort(new Error('changed my mind'));
    expect(await aborted).toBe(changed.signal.reason);
    expect(await timedOut).toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    expect((await pool.stats()).waiting.count).toBe(1);
    await held.release();
    await using lease = await patient;
    expect(lease.isHeld).toBe(true);
    expect((await pool.stats()).sessions).toMatchObject({ usable: 1, leased: 1 });
  });

  it('leaks nothing when signals abort in the very moment in which sessions become free', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 2 });
    let served = 0;
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const signal = AbortSignal.timeout(index % 10 === 9 ? 10_000 : index % 7);
        try {
          await using _lease = await pool.acquire({ signal });
          served++;
          await sleep(index % 2);
        } catch (error) {
          expect(error).toBe(signal.reason);
        }
      }),
    );
    expect(served).toBeGreaterThan(0);
    await until(async () => (await pool.stats()).sessions.leased === 0, 'all are given back');
    const both = await Promise.all([pool.acquire({ timeoutMs: 5_000 }), pool.acquire({ timeoutMs: 5_000 })]);
    for (const lease of both) await lease.release();
  });

  it('is refused at once with a signal that has aborted before', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const signal = AbortSignal.abort(new Error('too late'));
    expect(await failureOf(pool.acquire({ signal }))).toBe(signal.reason);
    expect((await pool.stats()).sessions.usable).toBe(0);
  });

  it('may wait for longer than a timer can count', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const held = await pool.acquire();
    const patient = pool.acquire({ timeoutMs: 30 * 86_400_000 });
    expect(await isPending(patient, 100)).toBe(true);
    await held.release();
    await (await patient).release();
  });

  it('is told at once where nothing can become free', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ create: false, name: 'given' });
    const error = await failureOf(pool.acquire({ url: 'https://example.com/' }));
    expect(error).toMatchObject({
      name: 'AcquireError',
      code: 'NO_SESSION',
      facts: { leased: 0, resting: 0, banned: 0, retired: 0, nextReadyInMs: null },
    });
    expect(error.message).toContain('pool "given"');
    expect(error.message).toContain('for example.com');
    expect(error.message).toContain('create: false');
    expect(await failureOf(pool.acquire({ id: 'nobody' }))).toMatchObject({ code: 'NO_SESSION' });
  });

  it('is told at once, every one, when the last session that could become free is gone', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ create: false });
    await pool.add({ id: 'a' });
    const held = await pool.acquire();
    const waiters = [pool.acquire(), pool.acquire(), pool.acquire({ id: 'a' })].map(failureOf);
    expect(await isPending(Promise.race(waiters))).toBe(true);
    held.session.retire();
    await held.release();
    for (const error of await Promise.all(waiters)) expect(error).toMatchObject({ code: 'NO_SESSION' });
  });

  it('gets a session when its rest ends', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ create: false });
    await pool.add({ id: 'a' });
    const since = performance.now();
    await pool.rest('a', 120);
    await using lease = await pool.acquire();
    expect(lease.session.id).toBe('a');
    expect(performance.now() - since).toBeGreaterThan(80);
  });

  it('gets a session that was added, revived or made by a place that became free', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1, session: { maxUsageCount: null } });
    const held = await pool.acquire();
    const waiting = pool.acquire();
    expect(await isPending(waiting)).toBe(true);
    held.session.retire();
    await held.release();
    const made = await waiting;
    expect(made.session.id).not.toBe(held.session.id);
    const third = pool.acquire({ id: 'c' }).catch(() => undefined);
    expect(await third).toBeUndefined();
    await made.release();
  });

  it('asks the store no more often for being many: leases that are renewed do not make the line spin', async () => {
    await using stage = await scene(kind);
    let asked = 0;
    const store = stage.store();
    const counting = new Proxy(store, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        if (name === 'lease') asked++;
        return member.bind(target);
      },
    }) as SessionStore;
    const pool = stage.pool({ store: counting, maxPoolSize: 1, leaseMs: 1_500 });
    const held = await pool.acquire();
    const waiters = Array.from({ length: 20 }, () => pool.acquire());
    asked = 0;
    await sleep(4_500);
    // Some five or ten times, when the lease would have ended; not a thousand times a second.
    expect(asked).toBeLessThan(200);
    await held.release();
    for (const waiting of waiters) await (await waiting).release();
  });
});

describe.each(storeKinds)('a long line (%s)', (kind) => {
  it('for one site costs no more than one look at a time', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ create: false, timeoutMs: 100_000 });
    await pool.add({ id: 'a', maxUsageCount: null });
    const held = await pool.acquire();
    let served = 0;
    const all = Promise.all(
      Array.from({ length: 5_000 }, async (_, index) => {
        const lease = await pool.acquire({ site: index % 2 ? 'example.com' : `site-${index % 50}.com` });
        served++;
        await lease.release();
      }),
    );
    expect(await isPending(all)).toBe(true);
    await held.release();
    await all;
    expect(served).toBe(5_000);
  });
});

describe.each(storeKinds)('closing (%s)', (kind) => {
  it('sends waiters away and refuses newcomers with POOL_CLOSED', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1, name: 'bye' });
    await pool.acquire();
    const waiting = failureOf(pool.acquire());
    expect(await isPending(waiting)).toBe(true);
    await pool.close();
    expect(await waiting).toMatchObject({ name: 'PoolClosedError', code: 'POOL_CLOSED' });
    for (const error of [await failureOf(pool.acquire()), await failureOf(pool.run(() => {}))]) {
      expect(error).toMatchObject({ code: 'POOL_CLOSED' });
      expect(error.message).toContain('pool "bye"');
    }
    expect(await failureOf(pool.fetch('http://127.0.0.1:1/'))).toMatchObject({ code: 'POOL_CLOSED' });
  });

  it('gives held sessions back with what was done so far, and tells their holders', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const lease = await pool.acquire();
    lease.session.userData.half = true;
    lease.session.markGood();
    await pool.close();
    expect(lease.signal.aborted).toBe(true);
    expect(() => lease.session.markGood()).toThrow(expect.objectContaining({ code: 'LEASE_ENDED' }));
    await lease.release();
    const later = stage.pool({ maxPoolSize: 1 });
    await using again = await later.acquire({ timeoutMs: 5_000 });
    expect(again.session).toMatchObject({ id: lease.session.id, usageCount: 1, userData: { half: true } });
  });

  it('twice is as good as once, also at the same time', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    await (await pool.acquire()).release();
    await Promise.all([pool.close(), pool.close(), pool.drain()]);
    await pool.close();
    await pool[Symbol.asyncDispose]();
  });

  it('leaves no session leased when it comes while somebody is just getting one', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 2 });
    const warm = await pool.acquire();
    await warm.release();
    const getting = [pool.acquire(), pool.acquire(), pool.acquire()].map((acquired) =>
      acquired.then(
        (lease) => ({ lease }),
        (error) => ({ error }),
      ),
    );
    await pool.close();
    for (const got of await Promise.all(getting)) {
      if ('error' in got) expect(got.error).toMatchObject({ code: 'POOL_CLOSED' });
      else expect(got.lease.isHeld).toBe(false);
    }
    const later = stage.pool({ maxPoolSize: 2 });
    const { leased, places } = (await later.stats()).sessions;
    expect({ leased, places }).toEqual({ leased: 0, places: 0 });
  });

  it('before the first use refuses whoever comes then, and opens nothing', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ name: 'unused' });
    await pool.close();
    await pool.close();
    await pool.drain();
    expect(await failureOf(pool.acquire())).toMatchObject({ code: 'POOL_CLOSED' });
    expect(await failureOf(pool.fetch('http://127.0.0.1:1/'))).toMatchObject({ code: 'POOL_CLOSED' });
  });

  it('by draining waits for the held ones, and gives out no more', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const held = await pool.acquire();
    const waiting = failureOf(pool.acquire());
    expect(await isPending(waiting)).toBe(true);
    const drained = pool.drain();
    expect(await waiting).toMatchObject({ code: 'POOL_CLOSED' });
    expect((await failureOf(pool.acquire())).message).toContain('draining');
    expect(await isPending(drained)).toBe(true);
    expect(held.signal.aborted).toBe(false);
    held.session.markGood();
    await held.release();
    await drained;
    const later = stage.pool();
    expect(await later.get(held.session.id)).toMatchObject({ usageCount: 1, state: 'ready' });
  });
});

it('closes a store that it opened itself, and leaves one that was given', async () => {
  await using stage = await scene('sqlite');
  const own = new SessionPool({ store: `sqlite:${stage.file}` });
  await own.add({ id: 'a' });
  await own.close();
  expect(await failureOf(own.stats())).toMatchObject({ code: expect.stringMatching(/_CLOSED$/) });
  const store = stage.store();
  const pool = stage.pool({ store });
  expect(await pool.get('a')).toMatchObject({ id: 'a' });
  await pool.close();
  expect(await store.get('a')).toMatchObject({ id: 'a' });
});

it('wakes who waits when another process gives a session back, long before its lease would end', async () => {
  await using stage = await scene('sqlite');
  const pool = stage.pool({ maxPoolSize: 1 });
  await pool.stats();
  const holder = spawn(process.execPath, [fileURLToPath(new URL('holder.ts', import.meta.url)), stage.file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(holder.stdout, 'data')) as [Buffer];
    const id = line.toString().trim();
    const waiting = pool.acquire({ timeoutMs: 60_000 });
    expect(await isPending(waiting, 100)).toBe(true);
    const since = performance.now();
    holder.stdin.end('release\n');
    await using lease = await waiting;
    expect(lease.session).toMatchObject({ id, usageCount: 1 });
    expect(performance.now() - since).toBeLessThan(30_000);
  } finally {
    holder.kill('SIGKILL');
  }
});

it('does not touch the site as somebody else when its process was stopped for longer than its lease', async () => {
  await using stage = await scene('sqlite');
  const pool = stage.pool({ maxPoolSize: 1, leaseMs: 1_500 });
  const holder = spawn(
    process.execPath,
    [fileURLToPath(new URL('holder.ts', import.meta.url)), stage.file, '1500'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  try {
    await once(holder.stdout, 'data');
    holder.kill('SIGSTOP');
    // Gone for longer than its lease: the session is ours.
    await using lease = await pool.acquire({ timeoutMs: 20_000 });
    lease.session.userData.owner = 'us';
    const answer = once(holder.stdout, 'data') as Promise<[Buffer]>;
    holder.stdin.write('fetch\n');
    holder.kill('SIGCONT');
    expect((await answer).toString().trim()).toBe('LEASE_LOST');
    const released = once(holder.stdout, 'data') as Promise<[Buffer]>;
    holder.stdin.end('release\n');
    expect((await released).toString().trim()).toBe('LEASE_LOST');
    expect(lease.session.usageCount).toBe(1);
  } finally {
    holder.kill('SIGKILL');
  }
});

it('counts how long the first has waited', async () => {
  const clock = fakeClock();
  await using stage = await scene('memory', clock);
  const pool = stage.pool({ maxPoolSize: 1 });
  const held = await pool.acquire();
  const first = pool.acquire();
  clock.advance(40);
  const second = pool.acquire();
  clock.advance(2);
  expect((await pool.stats()).waiting).toEqual({ count: 2, oldestMs: 42 });
  await held.release();
  await (await first).release();
  await (await second).release();
});
