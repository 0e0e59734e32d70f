import { describe, expect, it } from 'vitest';
import { startPlayground } from '../../playground/site.ts';
import { CreateError, RateLimitedError, Session, type SessionLease } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, isPending, scene, sessionsOf, sleep, storeKinds, until } from './helpers.ts';

describe.each(storeKinds)('creation (%s)', (kind) => {
  it('has one order: options, createSession, onCreate; and the lease is held all along', async () => {
    await using stage = await scene(kind);
    const steps: string[] = [];
    const pool = stage.pool({
      maxPoolSize: 1,
      session: { userData: { step: 'options' }, maxUsageCount: 7 },
      createSession(options, { signal }) {
        steps.push(`createSession ${options.userData!.step} ${options.maxUsageCount} ${signal.aborted}`);
        return new Session({ ...options, id: 'ann', userData: { step: 'createSession' } });
      },
      async onCreate(session, { signal }) {
        steps.push(`onCreate ${session.id} ${session.userData.step} ${signal.aborted}`);
        await sleep(20);
        const { sessions } = await pool.stats();
        steps.push(`${sessions.places} place, ${sessions.ready} ready`);
        session.userData.step = 'onCreate';
      },
    });
    const created: string[] = [];
    pool.on('created', ({ sessionId }) => created.push(sessionId));
    const [lease, rival] = [pool.acquire(), pool.acquire({ timeoutMs: 20_000 })];
    await using first = await lease;
    expect(steps).toEqual([
      'createSession options 7 false',
      'onCreate ann createSession false',
      '1 place, 0 ready',
    ]);
    expect(created).toEqual(['ann']);
    expect(first.session).toMatchObject({ id: 'ann', userData: { step: 'onCreate' }, usageCount: 0 });
    expect(await isPending(rival)).toBe(true);
    await first.release();
    await (await rival).release();
    expect(steps).toHaveLength(3);
  });

  it('makes no more than maxPoolSize, however many ask at once and however long it takes', async () => {
    await using stage = await scene(kind);
    let made = 0;
    let living = 0;
    let most = 0;
    const pool = stage.pool({
      maxPoolSize: 5,
      session: { maxUsageCount: 4 },
      onCreate: async () => {
        most = Math.max(most, ++living);
        made++;
        await sleep(made % 4);
      },
    });
    pool.on('retired', () => living--);
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        await using lease = await pool.acquire();
        lease.session.markGood();
        await sleep(1);
      }),
    );
    expect(made).toBeGreaterThanOrEqual(25);
    expect(most).toBeLessThanOrEqual(5);
    const { sessions } = await pool.stats();
    expect(sessions.usable + sessions.places).toBeLessThanOrEqual(5);
  });

  it("that fails is its caller's error, frees the place, and lets the others go on", async () => {
    await using stage = await scene(kind);
    let calls = 0;
    const pool = stage.pool({
      maxPoolSize: 1,
      onCreate() {
        calls++;
        if (calls === 1) throw new Error('no route to the login');
      },
    });
    const [first, second] = [failureOf(pool.acquire()), pool.acquire()];
    const error = await first;
    expect(error).toBeInstanceOf(CreateError);
    expect(error).toMatchObject({
      code: 'CREATE_FAILED',
      failures: 1,
      retryInMs: 0,
      cause: expect.objectContaining({ message: 'no route to the login' }),
    });
    expect(error.message).toContain('no route to the login');
    await using lease = await second;
    expect(lease.session.isUsable).toBe(true);
    expect((await pool.stats()).sessions).toMatchObject({ places: 0, usable: 1 });
  });

  it.each([
    ['createSession throws', { createSession: () => Promise.reject(new Error('nope')) }],
    ['createSession makes no session', { createSession: () => ({}) as Session }],
    ['onCreate throws no Error', { onCreate: () => Promise.reject('just a text') }],
    ['the options are wrong', { createSession: () => new Session({ maxUsageCount: -1 }) }],
  ])('is one error to the caller where %s, never a loop', async (_how, options) => {
    await using stage = await scene(kind);
    const pool = stage.pool(options);
    expect(await failureOf(pool.acquire())).toMatchObject({ code: 'CREATE_FAILED', failures: 1 });
    expect((await pool.stats()).sessions).toMatchObject({ places: 0, usable: 0, leased: 0 });
  });

  it('leaves the session that failed out of reach', async () => {
    await using stage = await scene(kind);
    let kept: Session | undefined;
    const pool = stage.pool({
      onCreate(session) {
        kept = session;
        throw new Error('no');
      },
    });
    await pool.acquire().catch(() => {});
    expect(() => kept!.markGood()).toThrow(expect.objectContaining({ code: 'LEASE_ENDED' }));
    await expect(kept!.fetch('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'LEASE_ENDED' });
  });

  it('pauses after eight failures in a row, longer each time, and recovers with the first success', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    let isBroken = true;
    let calls = 0;
    const pool = stage.pool({
      onCreate() {
        calls++;
        if (isBroken) throw new Error('the login is down');
      },
    });
    const pauses: { failures: number; ms: number }[] = [];
    pool.on('creationPaused', ({ failures, ms }) => pauses.push({ failures, ms }));
    for (let failure = 1; failure <= 8; failure++) {
      expect(await failureOf(pool.acquire())).toMatchObject({ code: 'CREATE_FAILED', failures: failure });
    }
    expect(pauses).toHaveLength(1);
    const paused = await failureOf(pool.acquire());
    expect(paused).toMatchObject({ name: 'CreateError', code: 'CREATION_PAUSED', failures: 8 });
    expect(paused.retryInMs).toBeGreaterThan(0);
    expect(calls).toBe(8);
    for (let more = 9; more <= 11; more++) {
      clock.advance(pauses.at(-1)!.ms + 1);
      expect(await failureOf(pool.acquire())).toMatchObject({ code: 'CREATE_FAILED', failures: more });
      expect(await failureOf(pool.acquire())).toMatchObject({ code: 'CREATION_PAUSED' });
    }
    expect(calls).toBe(11);
    const lengths = pauses.map(({ ms }) => ms);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(lengths.at(-1)!).toBeGreaterThan(4 * lengths[0]! * 0.6);
    isBroken = false;
    clock.advance(lengths.at(-1)! + 1);
    await using _lease = await pool.acquire();
    isBroken = true;
    expect(await failureOf(pool.acquire())).toMatchObject({ code: 'CREATE_FAILED', failures: 1 });
  });

  it('goes on with the sessions there are while creation pauses', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxCreateFailures: 1, createSession: () => Promise.reject(new Error('down')) });
    await pool.add({ id: 'given' });
    const held = await pool.acquire();
    expect(await failureOf(pool.acquire())).toMatchObject({ code: 'CREATE_FAILED' });
    const waiting = pool.acquire({ timeoutMs: 20_000 });
    await held.release();
    expect((await waiting).session.id).toBe('given');
    await (await waiting).release();
  });

  it('tries with one after a pause, not with all who wait', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    let calls = 0;
    const pool = stage.pool({
      maxCreateFailures: 2,
      onCreate: async () => {
        calls++;
        await sleep(20);
        throw new Error('down');
      },
    });
    await failureOf(pool.acquire());
    await failureOf(pool.acquire());
    clock.advance(3_000);
    calls = 0;
    const errors = await Promise.all(
      Array.from({ length: 10 }, () => failureOf(pool.acquire({ timeoutMs: 200 }))),
    );
    expect(calls).toBe(1);
    expect(errors.filter(({ code }) => code === 'CREATE_FAILED')).toHaveLength(1);
  });

  it('is given up when its caller does not wait any more; the place is free then, and nothing is counted', async () => {
    await using stage = await scene(kind);
    let isFirst = true;
    const pool = stage.pool({
      maxPoolSize: 1,
      maxCreateFailures: 1,
      async onCreate(_session, { signal }) {
        if (!isFirst) return;
        isFirst = false;
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      },
    });
    const changed = new AbortController();
    const given = failureOf(pool.acquire({ signal: changed.signal }));
    await until(() => !isFirst, 'it is being made');
    const next = pool.acquire();
    changed.abort(new Error('changed my mind'));
    expect(await given).toBe(changed.signal.reason);
    await (await next).release();
    expect((await pool.stats()).sessions).toMatchObject({ usable: 1, places: 0, leased: 0 });
  });

  it('is given up also where the signal aborts before it began', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1, onCreate: () => sleep(5) });
    await pool.stats();
    const changed = new AbortController();
    const given = failureOf(pool.acquire({ signal: changed.signal }));
    changed.abort(new Error('at once'));
    expect(await given).toBe(changed.signal.reason);
    await until(async () => {
      const { places, leased } = (await pool.stats()).sessions;
      return places + leased === 0;
    }, 'the place is free');
    await (await pool.acquire()).release();
  });

  it('ends with the pool that closes, and its caller hears why', async () => {
    await using stage = await scene(kind);
    let aborted: unknown;
    let isBegun = false;
    const pool = stage.pool({
      maxPoolSize: 1,
      onCreate: (_session, { signal }) => {
        isBegun = true;
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            aborted = signal.reason;
            reject(signal.reason);
          }),
        );
      },
    });
    const making = failureOf(pool.acquire());
    await until(() => isBegun, 'it is being made');
    await pool.close();
    expect(await making).toMatchObject({ code: 'POOL_CLOSED' });
    expect(aborted).toMatchObject({ code: 'LEASE_LOST' });
    const later = stage.pool();
    expect((await later.stats()).sessions).toMatchObject({ places: 0, leased: 0 });
  });

  it('may take longer than the lease', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1, leaseMs: 1_500, onCreate: () => sleep(3_500) });
    const rival = kind === 'sqlite' ? stage.pool({ maxPoolSize: 1, leaseMs: 1_500 }) : pool;
    const made = pool.acquire();
    await sleep(100);
    const waiting = rival.acquire({ timeoutMs: 20_000 });
    const lease = await made;
    await lease.release();
    const next = await waiting;
    expect(next.session.id).toBe(lease.session.id);
    await next.release();
  });

  it('refuses an id that a living session has', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ createSession: (options) => new Session({ ...options, id: 'only' }) });
    await using _first = await pool.acquire();
    const error = await failureOf(pool.acquire());
    expect(error).toMatchObject({ code: 'CREATE_FAILED' });
    expect(error.message).toContain('only');
    expect((await pool.stats()).sessions).toMatchObject({ usable: 1, places: 0 });
  });

  it("counts marks and rests of onCreate as the session's own", async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({
      maxPoolSize: 1,
      onCreate(session) {
        session.cookies.set('terms', 'accepted', { domain: 'example.com' });
        session.markGood();
      },
    });
    const lease = await pool.acquire();
    expect(lease.session.usageCount).toBe(1);
    await lease.release();
    expect(await pool.get(lease.session.id)).toMatchObject({ usageCount: 1 });
    await using again = await pool.acquire();
    expect(again.session.cookies.header('https://example.com/')).toBe('terms=accepted');
  });

  it('takes no mark of onCreate for a word on the first use', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ onCreate: (session) => session.markGood() });
    const limited = new RateLimitedError('slow down', { retryAfterMs: 60_000 });
    await failureOf(pool.run(() => Promise.reject(limited), { url: 'http://a.example/' }));
    const [session] = await sessionsOf(pool);
    expect(session).toMatchObject({ usageCount: 2, blocks: [{ site: 'a.example' }] });
  });

  it('fills first where asked to, before any session is used twice', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 4, fill: 'first' });
    const ids: string[] = [];
    for (let use = 0; use < 8; use++) {
      await using lease = await pool.acquire();
      ids.push(lease.session.id);
    }
    expect(new Set(ids.slice(0, 4)).size).toBe(4);
    expect(ids.slice(4)).toEqual(ids.slice(0, 4));
  });

  it("has the pool's clock", async () => {
    const clock = fakeClock(Date.UTC(2020, 0, 1));
    await using stage = await scene(kind, clock);
    const pool = stage.pool();
    const lease: SessionLease = await pool.acquire();
    expect(lease.session.createdAt).toEqual(new Date('2020-01-01T00:00:00Z'));
    await lease.release();
    clock.advance(49 * 60_000);
    await (await pool.acquire({ id: lease.session.id })).release();
    clock.advance(60_000);
    expect(await failureOf(pool.acquire({ id: lease.session.id }))).toMatchObject({ code: 'NO_SESSION' });
    expect(await pool.get(lease.session.id)).toMatchObject({ status: 'expired' });
  });
});

it('logs in at a real site, and the login survives a restart', async () => {
  await using stage = await scene('sqlite');
  await using site = await startPlayground();
  const logIn = async (session: Session) => {
    const form = await (await session.fetch(`${site.url}/login`)).text();
    const [, token] = /name="token"[^>]*value="([^"]+)"/.exec(form)!;
    const body = new URLSearchParams({ user: session.id, password: 'open sesame', token: token! });
    const account = await session.fetch(`${site.url}/login`, { method: 'POST', body });
    if (!account.url.endsWith('/account')) throw new Error(`not logged in: ${account.status}`);
    await account.body?.cancel();
  };
  const pool = stage.pool({ maxPoolSize: 3, onCreate: logIn });
  const whoAmI = async (session: Session) => {
    const response = await session.fetch(`${site.url}/account`);
    return ((await response.json()) as { account: string }).account;
  };
  const accounts = await Promise.all(
    [1, 2, 3].map(() => pool.run(async (session) => [session.id, await whoAmI(session)])),
  );
  for (const [id, account] of accounts) expect(account).toBe(id);
  await pool.close();
  const restarted = stage.pool({ maxPoolSize: 3, onCreate: () => Promise.reject(new Error('nobody new')) });
  const again = await Promise.all(
    [1, 2, 3].map(() => restarted.run(async (session) => [session.id, await whoAmI(session)])),
  );
  expect(again.toSorted()).toEqual(accounts.toSorted());
  expect(site.ledger.mixed).toBe(0);
});
