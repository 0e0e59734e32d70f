import { describe, expect, it } from 'vitest';
import { LeaseError, type SessionCookies, type SessionLease } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, isPending, scene, serve, sleep, storeKinds, until } from './helpers.ts';

const ended = expect.objectContaining({ code: 'LEASE_ENDED' });
const lost = expect.objectContaining({ code: 'LEASE_LOST' });

/** Refused is as good as unheard. */
function setIfPossible(cookies: SessionCookies, name: string): void {
  try {
    cookies.set(name, '1', { domain: 'example.com' });
  } catch {}
}

describe.each(storeKinds)('a lease (%s)', (kind) => {
  it('is exclusive, also to a second pool on the same store', async () => {
    await using stage = await scene(kind);
    const one = stage.pool({ maxPoolSize: 3, session: { maxUsageCount: null } });
    const two = stage.pool({ maxPoolSize: 3, session: { maxUsageCount: null } });
    const holders = new Map<string, number>();
    let clashes = 0;
    let uses = 0;
    const worker = async (pool: typeof one) => {
      for (let use = 0; use < 25; use++) {
        await using lease = await pool.acquire();
        const { id } = lease.session;
        holders.set(id, (holders.get(id) ?? 0) + 1);
        if (holders.get(id)! > 1) clashes++;
        await sleep(use % 2);
        lease.session.markGood();
        holders.set(id, holders.get(id)! - 1);
        uses++;
      }
    };
    // Two pools on one store in memory do not wake each other; on SQLite they do.
    const pools = kind === 'memory' ? [one, one] : [one, two];
    await Promise.all(pools.flatMap((pool) => [worker(pool), worker(pool), worker(pool), worker(pool)]));
    expect({ clashes, uses }).toEqual({ clashes: 0, uses: 200 });
    expect(holders.size).toBeLessThanOrEqual(3);
    let counted = 0;
    for await (const { usageCount } of one.list()) counted += usageCount;
    expect(counted).toBe(200);
  });

  it('rests as long as its task said, whatever happens to the wall clock before it is given back', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ create: false });
    const [id] = await pool.add({});
    const lease = await pool.acquire();
    lease.session.rest(60_000);
    lease.session.rest(90_000, { site: 'example.com' });
    clock.advance(20_000);
    clock.set(clock.now() - 3_600_000);
    await lease.release();
    const { untilAt, blocks } = (await pool.get(id!))!;
    expect(untilAt!.getTime() - clock.now()).toBe(40_000);
    expect(blocks.map((block) => block.untilAt!.getTime() - clock.now())).toEqual([70_000]);
  });

  it('ends with its release: every method of the session then throws LEASE_ENDED', async () => {
    await using stage = await scene(kind);
    await using site = await serve((_request, response) => response.end('ok'));
    const pool = stage.pool();
    const lease = await pool.acquire();
    const { session } = lease;
    const kept = session.cookies.set('a', '1', { domain: '127.0.0.1' });
    const { jar } = kept;
    await lease.release();
    expect(lease.isHeld).toBe(false);
    expect(() => session.markGood()).toThrow(ended);
    expect(() => session.markBad()).toThrow(ended);
    expect(() => session.retire()).toThrow(ended);
    expect(() => session.rest(1000)).toThrow(ended);
    expect(() => {
      session.userData = {};
    }).toThrow(ended);
    await expect(session.fetch(site.url)).rejects.toThrow(LeaseError);
    await expect(session.fetch(site.url)).rejects.toEqual(ended);
    expect(site.seen).toEqual([]);
    expect(() => session.cookies.get('a')).toThrow(ended);
    expect(() => kept.set('b', '2', { domain: '127.0.0.1' })).toThrow(ended);
    expect(() => kept.header(site.url)).toThrow(ended);
    expect(() => jar.setCookieSync('b=2', site.url)).toThrow(ended);
    // Looking at what it was does no harm.
    expect(session.usageCount).toBe(0);
    expect(String(session)).toContain(session.id);
    expect(session.getState().id).toBe(session.id);
  });

  it('ends for cookies that were never looked at before, too', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const lease = await pool.acquire();
    await lease.release();
    expect(() => lease.session.cookies).toThrow(ended);
  });

  it('names the session in the error, and what to do', async () => {
    await using stage = await scene(kind);
    const lease = await stage.pool().acquire();
    await lease.release();
    const error = await failureOf(Promise.resolve().then(() => lease.session.markGood()));
    expect(error).toMatchObject({ name: 'LeaseError', sessionId: lease.session.id });
    expect(error.message).toBe(`session ${lease.session.id} was given back; acquire it again to use it`);
  });

  it('may be released twice, at once or later, and counts one use', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const lease = await pool.acquire();
    lease.session.markGood();
    await Promise.all([lease.release(), lease.release()]);
    await lease.release();
    expect((await pool.get(lease.session.id))?.usageCount).toBe(1);
  });

  it('is given back by `await using`, when the block throws, too', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const boom = async () => {
      await using lease = await pool.acquire();
      lease.session.markBad();
      throw new Error('boom');
    };
    await expect(boom()).rejects.toThrow('boom');
    await using again = await pool.acquire({ timeoutMs: 0 });
    expect(again.session.errorScore).toBe(1);
  });

  it('keeps the state of the session for the next one: cookies, user data, counts, decisions', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    {
      await using lease = await pool.acquire();
      const { session } = lease;
      session.cookies.set('sid', 'one', { domain: 'example.com', path: '/' });
      session.userData.account = { name: 'ann', tries: [1, 2] };
      session.markBad();
    }
    // On SQLite another pool reads it from the file; in memory it is the one there is.
    const other = stage.pool({ maxPoolSize: 1 });
    await using lease = await other.acquire();
    const { session } = lease;
    expect(session.cookies.header('https://example.com/')).toBe('sid=one');
    expect(session.userData).toEqual({ account: { name: 'ann', tries: [1, 2] } });
    expect(session).toMatchObject({ usageCount: 1, errorScore: 1 });
    expect(session.decisions).toMatchObject([{ verdict: 'bad', rule: 'marked by the task' }]);
  });

  it('saves changes made deep inside the user data', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1, session: { userData: { list: [] } } });
    for (let use = 0; use < 3; use++) {
      await using lease = await pool.acquire();
      lease.session.userData.list.push(use);
    }
    await using lease = await pool.acquire();
    expect(lease.session.userData).toEqual({ list: [0, 1, 2] });
  });

  it('gives the session back, and says so, where the user data cannot be kept', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const lease = await pool.acquire();
    lease.session.userData = { before: true };
    await lease.release();
    const bad = await pool.acquire();
    bad.session.userData.self = bad.session.userData;
    bad.session.markGood();
    await expect(bad.release()).rejects.toMatchObject({ code: 'INVALID_STATE', field: 'userData' });
    await using after = await pool.acquire({ timeoutMs: 20_000 });
    expect(after.session.userData).toEqual({ before: true });
    expect(after.session.usageCount).toBe(1);
  });

  it('keeps a former holder out of a later lease: user data and cookies it kept reach nobody', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    const first = await pool.acquire();
    const keptData = first.session.userData;
    const keptCookies = first.session.cookies;
    keptData.turn = 'first';
    keptCookies.set('turn', 'first', { domain: 'example.com' });
    await first.release();

    await using second = await pool.acquire();
    keptData.turn = 'meddled';
    keptData.extra = 'meddled';
    expect(() => keptCookies.set('turn', 'meddled', { domain: 'example.com' })).toThrow(ended);
    expect(() => keptCookies.clear()).toThrow(ended);
    expect(second.session.userData).toEqual({ turn: 'first' });
    expect(second.session.cookies.toObject()).toEqual({ turn: 'first' });
  });

  it('renews itself for as long as it is held', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1, leaseMs: 1_500 });
    const rival = stage.pool({ maxPoolSize: 1, leaseMs: 1_500, create: false });
    const lease = await pool.acquire();
    const waiting = rival.acquire({ timeoutMs: 20_000 });
    expect(await isPending(waiting, 3_500)).toBe(true);
    expect(lease.signal.aborted).toBe(false);
    lease.session.markGood();
    await lease.release();
    await using next = await waiting;
    expect(next.session.usageCount).toBe(1);
  });

  it('leaves its place at the site once it has run out, although its task hangs', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ leaseMs: 1_000, maxHoldMs: 100, maxConcurrentPerSite: 1 });
    const lost: string[] = [];
    pool.on('lost', ({ sessionId }) => lost.push(sessionId));
    const hung = await pool.acquire({ site: 'a.example' });
    await using next = await pool.acquire({ site: 'a.example', maxHoldMs: 60_000 });
    expect(next.isHeld).toBe(true);
    expect(lost).toEqual([hung.session.id]);
    expect(await failureOf(hung.release())).toMatchObject({ code: 'LEASE_LOST' });
  });

  it('aborts its signal after maxHoldMs, of the pool or of the call, and starts no request after that', async () => {
    await using stage = await scene(kind);
    await using site = await serve((_request, response) => response.end('ok'));
    const pool = stage.pool({ leaseMs: 3_000, maxHoldMs: 100 });
    const usual = await pool.acquire();
    const longer = await pool.acquire({ maxHoldMs: 60_000 });
    await until(() => usual.signal.aborted, 'the signal aborts');
    expect(usual.signal.reason).toEqual(lost);
    expect(usual.signal.reason.message).toContain('maxHoldMs (100 ms)');
    expect(longer.signal.aborted).toBe(false);
    await expect(usual.session.fetch(site.url)).rejects.toEqual(lost);
    expect(site.seen).toEqual([]);
    await longer.release().catch(() => {});
    await usual.release().catch(() => {});
  });

  it('aborts at once when the session is retired from outside, and the release obeys', async () => {
    await using stage = await scene(kind);
    await using site = await serve((_request, response) => response.end('ok'));
    const pool = stage.pool();
    const lease = await pool.acquire();
    lease.session.userData.done = 'half';
    expect(await pool.retire(lease.session.id, 'account closed')).toBe(true);
    expect(lease.signal.aborted).toBe(true);
    expect(lease.signal.reason).toMatchObject({ code: 'LEASE_LOST', sessionId: lease.session.id });
    expect(lease.signal.reason.message).toContain('account closed');
    await expect(lease.session.fetch(site.url)).rejects.toEqual(lost);
    lease.session.markGood();
    await lease.release();
    const after = await pool.get(lease.session.id);
    expect(after).toMatchObject({ status: 'retired', reason: 'account closed', usageCount: 1 });
    await expect(pool.acquire({ id: lease.session.id })).rejects.toMatchObject({ code: 'NO_SESSION' });
  });

  it('checks age and uses when leasing, never in the middle of a use', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    await using site = await serve((_request, response) => response.end('ok'));
    const pool = stage.pool({ session: { maxAgeMs: 10_000, maxUsageCount: 1 }, maxPoolSize: 1 });
    const lease = await pool.acquire();
    clock.advance(11_000);
    lease.session.markGood();
    lease.session.markGood();
    expect(lease.session.isExpired).toBe(true);
    const response = await lease.session.fetch(site.url);
    expect(await response.text()).toBe('ok');
    await lease.release();
    expect(await pool.get(lease.session.id)).toMatchObject({ status: 'used-up', usageCount: 2 });
    await using next = await pool.acquire({ timeoutMs: 0 });
    expect(next.session.id).not.toBe(lease.session.id);
  });

  it('is never of an expired, used-up, blocked or retired session', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ create: false });
    await pool.add([
      { id: 'old', maxAgeMs: 1_000, clock },
      { id: 'worn', maxUsageCount: 1, clock },
      { id: 'bad', maxErrorScore: 1, clock },
      { id: 'burnt', clock },
    ]);
    for (const id of ['worn', 'bad', 'burnt']) {
      await using lease = await pool.acquire({ id });
      if (id === 'worn') lease.session.markGood();
      if (id === 'bad') lease.session.markBad();
      if (id === 'burnt') lease.session.retire('a 403');
    }
    clock.advance(1_001);
    for (const id of [undefined, 'old', 'worn', 'bad', 'burnt']) {
      await expect(pool.acquire(id ? { id } : {})).rejects.toMatchObject({ code: 'NO_SESSION' });
    }
    const statuses = new Map<string, string>();
    for await (const { id, status } of pool.list()) statuses.set(id, status);
    expect(Object.fromEntries(statuses)).toEqual({
      bad: 'blocked',
      burnt: 'retired',
      old: 'expired',
      worn: 'used-up',
    });
  });

  it('stays for good what it was retired as: no later mark revives it', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const lease = await pool.acquire();
    lease.session.retire('burnt');
    for (let mark = 0; mark < 10; mark++) lease.session.markGood();
    await lease.release();
    expect(await pool.get(lease.session.id)).toMatchObject({
      status: 'retired',
      reason: 'burnt',
      errorScore: 3,
    });
  });
});

describe.each(storeKinds)('a lease that was lost (%s)', (kind) => {
  /** A holder that stood still for longer than its lease, and the next one. */
  const stall = async (stage: Awaited<ReturnType<typeof scene>>, clock: ReturnType<typeof fakeClock>) => {
    const stalled = stage.pool({ maxPoolSize: 1 });
    const other = kind === 'memory' ? stalled : stage.pool({ maxPoolSize: 1 });
    const before = await stalled.acquire();
    before.session.cookies.set('seed', '1', { domain: 'example.com' });
    before.session.userData.seed = 1;
    await before.release();
    const first = await stalled.acquire();
    clock.advance(60_001);
    return { stalled, other, first };
  };

  it('starts no request, although nobody has told its holder', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    await using site = await serve((_request, response) => response.end('ok'));
    const { first, other } = await stall(stage, clock);
    await using _second = await other.acquire();
    await expect(first.session.fetch(site.url)).rejects.toEqual(lost);
    expect(first.signal.aborted).toBe(true);
    expect(site.seen).toEqual([]);
  });

  it('starts no request shortly before it runs out, and none when the wall clock was set on', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    await using site = await serve((_request, response) => response.end('ok'));
    const pool = stage.pool();
    const lease = await pool.acquire();
    clock.advance(58_000);
    expect((await lease.session.fetch(site.url)).status).toBe(200);
    clock.advance(1_000);
    await expect(lease.session.fetch(site.url)).rejects.toEqual(lost);
    const other = await pool.acquire();
    clock.set(clock.now() + 59_500);
    await expect(other.session.fetch(site.url)).rejects.toEqual(lost);
    expect(site.seen).toHaveLength(1);
  });

  it('follows no redirect that arrives after it ran out, and stores none of its cookies', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    await using site = await serve((request, response) => {
      if (request.url !== '/start') return response.end('ok');
      clock.advance(60_001);
      response.writeHead(302, { location: '/next', 'set-cookie': 'late=1' }).end();
    });
    const pool = stage.pool();
    const lease = await pool.acquire();
    await expect(lease.session.fetch(`${site.url}/start`)).rejects.toEqual(lost);
    expect(site.seen).toEqual(['GET /start']);
    expect(lease.session.cookies.size).toBe(0);
  });

  it('counts as one use before anyone gets the session again', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const { other } = await stall(stage, clock);
    await using second = await other.acquire();
    expect(second.session.usageCount).toBe(1);
  });

  it('writes nothing: its release is refused with LEASE_LOST and an event', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const { first, stalled, other } = await stall(stage, clock);
    const events: unknown[] = [];
    stalled.on('lost', (event) => events.push(event));
    const second = await other.acquire();
    expect(second.session.id).toBe(first.session.id);
    first.session.userData.from = 'first';
    setIfPossible(first.session.cookies, 'from');
    first.session.retire('should not be heard');
    await expect(first.release()).rejects.toMatchObject({ code: 'LEASE_LOST', sessionId: first.session.id });
    expect(events).toMatchObject([{ sessionId: first.session.id }]);
    expect(second.session.userData).toEqual({ seed: 1 });
    expect(second.session.cookies.toObject()).toEqual({ seed: '1' });
    second.session.markGood();
    await second.release();
    // One for the lease that ran out, one for this.
    expect(await other.get(first.session.id)).toMatchObject({ status: 'usable', usageCount: 2 });
    await using third = await other.acquire();
    expect(third.session.userData).toEqual({ seed: 1 });
    expect(third.session.cookies.toObject()).toEqual({ seed: '1' });
  });

  it('reaches no later lease through what its holder kept, however many have had the session since', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const { first, stalled, other } = await stall(stage, clock);
    const handle = first.session.cookies;
    const data = first.session.userData;
    handle.set('early', '1', { domain: 'example.com' });
    await (await other.acquire()).release();
    setIfPossible(handle, 'late');
    data.late = true;
    await using third = await stalled.acquire();
    expect(third.session.cookies.toObject()).toEqual({ seed: '1' });
    expect(third.session.userData).toEqual({ seed: 1 });
  });

  it('is refused at the release also where the renewal found out first', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ leaseMs: 2_000 });
    const lost: unknown[] = [];
    pool.on('lost', (event) => lost.push(event));
    const lease = await pool.acquire();
    // Somebody else's store handle takes it away.
    const rival = stage.pool({ create: false });
    await rival.remove(lease.session.id);
    await until(() => lease.signal.aborted, 'the renewal finds out');
    expect(lease.isHeld).toBe(false);
    await expect(lease.release()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await lease.release();
    expect(lost).toHaveLength(1);
  });
});

it('tells a holder in another pool of its retirement at the next renewal', async () => {
  await using stage = await scene('sqlite');
  const pool = stage.pool({ leaseMs: 2_000 });
  const lease = await pool.acquire();
  const outside = stage.pool({ create: false });
  expect(await outside.retire(lease.session.id, 'from the command line')).toBe(true);
  await until(() => lease.signal.aborted, 'the renewal tells of the order');
  expect((lease.signal.reason as LeaseError).message).toContain('from the command line');
  await lease.release();
  expect(await outside.get(lease.session.id)).toMatchObject({ status: 'retired', state: 'dead' });
});

it('saves what a long-held lease has changed before it ends, so that a crash loses less', async () => {
  await using stage = await scene('sqlite');
  const pool = stage.pool({ leaseMs: 2_000 });
  await using lease: SessionLease = await pool.acquire();
  lease.session.userData.step = 7;
  lease.session.cookies.set('step', '7', { domain: 'example.com' });
  const outside = stage.pool({ create: false });
  await until(async () => {
    const { userData, cookies } = (await outside.get(lease.session.id))!.model;
    return userData.step === 7 && cookies.length === 1;
  }, 'the renewal has saved it');
});
