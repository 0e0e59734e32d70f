import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startPlayground } from '../../playground/site.ts';
import {
  AccountError,
  AcquireError,
  CreateError,
  type PoolEvents,
  type SessionLease,
  SessionPool,
  type SessionPoolOptions,
} from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { accountsNamed, loginAt, sentToLogin } from './account-login.ts';
import { failureOf, isPending, scene, serve, sessionsOf, sleep, storeKinds, until } from './helpers.ts';
import { listen, proxyThat } from './proxy-helpers.ts';

const HOUR_MS = 3_600_000;

async function views(pool: SessionPool): Promise<Record<string, string>> {
  const states: Record<string, string> = {};
  for await (const { id, state, logins } of pool.accounts.list()) states[id] = `${state}, ${logins}`;
  return states;
}

async function takeAll(pool: SessionPool, count: number): Promise<SessionLease[]> {
  return Promise.all(Array.from({ length: count }, () => pool.acquire()));
}

describe.each(storeKinds)('accounts (%s)', (kind) => {
  it('are each held by one living session, which has no limit of age or uses', async () => {
    await using stage = await scene(kind);
    const names = Array.from({ length: 20 }, (_, index) => `user${index}`);
    const options: SessionPoolOptions = { accounts: accountsNamed(...names), onCreate: () => sleep(2) };
    const pools = [stage.pool(options), stage.pool(options)];
    const leases = (await Promise.all(pools.map((pool) => takeAll(pool, 10)))).flat();
    expect(leases.map(({ session }) => session.account).sort()).toEqual([...names].sort());
    expect(leases[0]!.session.getState()).toMatchObject({ expiresAt: null, maxUsageCount: null });
    const waiting = pools[0]!.acquire();
    expect(await isPending(waiting, 200)).toBe(true);
    await leases[3]!.release();
    await using next = await waiting;
    expect(next.session.id).toBe(leases[3]!.grant.id);
  });

  it('are not blamed for their proxy: no cooling, and no login where nothing came to the site', async () => {
    await using stage = await scene(kind);
    await using site = await serve((_request, response) => response.end('welcome'));
    const good = await proxyThat();
    const { url: dead } = await proxyThat('refuse');
    const pool = stage.pool({
      accounts: accountsNamed('ada', 'grace', 'joan', 'lise'),
      proxies: [good.url, dead],
      onCreate: async (session) => {
        await session.fetch(site.url);
      },
    });
    const told = [listen(pool, 'accountCooling'), listen(pool, 'creationPaused')];
    const leases = await takeAll(pool, 4);
    for (const { session } of leases) expect(session.proxy!.url).toBe(good.url);
    expect(told).toEqual([[], []]);
    expect(await views(pool)).toEqual({
      ada: 'ready, 1',
      grace: 'ready, 1',
      joan: 'ready, 1',
      lise: 'ready, 1',
    });
    for (const lease of leases) await lease.release();
  });

  it('count a login that came to the site before its proxy failed, and are not cooled', async () => {
    await using stage = await scene(kind);
    await using site = await serve((_request, response) => response.end('welcome'));
    const { proxy, url } = await proxyThat();
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      proxies: [url],
      timeoutMs: 500,
      onCreate: async (session) => {
        await session.fetch(site.url);
        await proxy.behave('refuse');
        await session.fetch(`${site.url}/more`);
      },
    });
    const cooling = listen(pool, 'accountCooling');
    await failureOf(pool.acquire());
    expect(site.seen).toEqual(['GET /']);
    expect(await views(pool)).toEqual({ ada: 'ready, 1' });
    expect(cooling).toEqual([]);
  });

  it('are not tried for ever through a gateway whose exits all fail', async () => {
    await using stage = await scene(kind);
    const { url } = await proxyThat('drop-tunnels');
    let tries = 0;
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      proxies: [url.replace('user', 'user-{session}')],
      onCreate: async (session) => {
        tries += 1;
        await session.fetch('https://127.0.0.1:9/');
      },
    });
    await failureOf(pool.acquire({ timeoutMs: 1_000 }));
    expect(tries).toBeLessThan(10);
    expect(Object.values(await views(pool)).join()).toMatch(/^ready/);
  });

  it.each([
    ['one of many', [1, 2, 3, 4, 5, 6].map((n) => `http://user:secret${n}@127.0.0.1:${n}`)],
    ['an exit of a gateway', ['http://user-{session}:secret@127.0.0.1:1']],
  ])(
    'keep their device and their proxy (%s) when a session takes the place of another',
    async (_, proxies) => {
      await using stage = await scene(kind);
      const pool = stage.pool({ accounts: accountsNamed('ada', 'grace'), fingerprints: true, proxies });
      const seen = async () => {
        const leases = await takeAll(pool, 2);
        const found = Object.fromEntries(
          leases.map(({ session }) => [
            session.account,
            { proxy: session.proxy!.url, fingerprint: session.fingerprint },
          ]),
        );
        for (const { session } of leases) session.retire('burnt');
        for (const lease of leases) await lease.release();
        return found;
      };
      const first = await seen();
      expect(Object.keys(first).sort()).toEqual(['ada', 'grace']);
      expect(first.ada!.proxy).not.toBe(first.grace!.proxy);
      expect(await seen()).toEqual(first);
      // Also where nothing is left of the session but the account's record.
      for (const { id } of await sessionsOf(pool)) await pool.remove(id);
      expect(await seen()).toEqual(first);
    },
  );

  it('whose login says that they are no good are parked, and others go on', async () => {
    await using site = await startPlayground();
    await using stage = await scene(kind);
    const [ada, mary] = accountsNamed('ada', 'mary');
    let isMended = false;
    const logIn = loginAt(site.url);
    const pool = stage.pool({
      accounts: [ada!, { id: 'grace', password: 'not it 4711' }, { id: 'joan', password: 'any' }, mary!],
      maxCreateFailures: 1,
      onCreate: (session, context) => {
        const account = context.account!;
        if (account.id === 'joan' && !isMended) throw new AccountError('locked');
        return logIn(
          session,
          isMended ? { ...context, account: { ...account, ...ada, id: account.id } } : context,
        );
      },
    });
    const parked: PoolEvents['accountParked'][] = [];
    pool.on('accountParked', (event) => parked.push(event));
    await using first = await pool.acquire();
    await using second = await pool.acquire();
    expect([first, second].map(({ session }) => session.account).sort()).toEqual(['ada', 'mary']);
    expect(parked.map(({ accountId, state }) => [accountId, state])).toEqual([
      ['grace', 'bad-credentials'],
      ['joan', 'locked'],
    ]);
    expect(await views(pool)).toEqual({
      ada: 'ready, 1',
      grace: 'bad-credentials, 1',
      joan: 'locked, 1',
      mary: 'ready, 1',
    });
    expect(inspect([parked, pool], { depth: 9, showHidden: true })).not.toMatch(/open sesame|4711/);
    // Who waits does so for one of these two: nothing is tried again.
    await expect(pool.acquire({ timeoutMs: 1_500 })).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    expect(parked).toHaveLength(2);
    isMended = true;
    expect(await pool.accounts.ready('joan')).toBe(true);
    expect(await pool.accounts.ready('nobody')).toBe(false);
    await using third = await pool.acquire();
    expect(third.session.account).toBe('joan');
  });

  it('that are all parked are an error at once, which says what is with them', async () => {
    await using stage = await scene(kind);
    let tries = 0;
    const pool = stage.pool({
      accounts: accountsNamed('ada', 'grace', 'joan'),
      onCreate: (_session, { account }) => {
        tries += 1;
        throw new AccountError(account!.id === 'joan' ? 'locked' : 'bad-credentials');
      },
    });
    for (let ask = 0; ask < 3; ask++) {
      const error = await failureOf(pool.acquire());
      expect(error).toBeInstanceOf(AcquireError);
      expect(error.code).toBe('NO_SESSION');
      expect(error.message).toContain('1 locked, 2 with wrong credentials');
    }
    expect(tries).toBe(3);
    const none = stage.pool({ accounts: [] });
    if (kind === 'sqlite')
      expect((await failureOf(none.acquire())).message).toContain('list of accounts is empty');
  });

  it('whose login fails otherwise cool, longer each time, and the caller hears why', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    let isDown = true;
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      maxLoginsPerDay: 100,
      maxCreateFailures: 100,
      onCreate: () => {
        if (isDown) throw new Error('no route to the login');
      },
    });
    const pauses: number[] = [];
    pool.on('accountCooling', ({ ms }) => pauses.push(ms));
    for (let round = 0; round < 12; round++) {
      const error = await failureOf(pool.acquire());
      expect(error).toBeInstanceOf(CreateError);
      expect(error.message).toContain('no route to the login');
      // It waits; the account is not tried.
      await expect(pool.acquire({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
      expect(pauses).toHaveLength(round + 1);
      clock.advance(pauses.at(-1)! - 1_000);
      await expect(pool.acquire({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
      clock.advance(12_000);
    }
    for (const [round, ms] of pauses.entries()) {
      const grown = Math.min(60_000 * 2 ** round, 6 * HOUR_MS);
      expect(ms).toBeGreaterThanOrEqual(0.79 * grown);
      expect(ms).toBeLessThanOrEqual(1.21 * grown);
    }
    isDown = false;
    await using lease = await pool.acquire();
    expect(lease.session.account).toBe('ada');
    for await (const { state, untilAt } of pool.accounts.list())
      expect([state, untilAt]).toEqual(['ready', null]);
  });

  it('log in no more often than allowed within 24 hours, in all pools together, whatever becomes of it', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const logins: number[] = [];
    const options: SessionPoolOptions = {
      accounts: accountsNamed('ada'),
      maxLoginsPerDay: 3,
      onCreate: () => {
        logins.push(clock.now());
      },
    };
    const pools = [stage.pool(options), stage.pool(options)];
    const begun = clock.now();
    for (let hour = 0; hour < 60; hour++) {
      const pool = pools[hour % 2]!;
      const lease = await pool.acquire({ timeoutMs: 20 }).catch((error) => {
        expect(error.code).toBe('ACQUIRE_TIMEOUT');
      });
      lease?.session.retire('of no more use');
      await lease?.release();
      clock.advance(HOUR_MS);
    }
    expect(logins.map((at) => (at - begun) / HOUR_MS)).toEqual([0, 1, 2, 24, 25, 26, 48, 49, 50]);
  });

  it('whose login takes too long, and does not listen, cool; it is told to stop', async () => {
    await using stage = await scene(kind);
    const reasons: unknown[] = [];
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      createTimeoutMs: 100,
      onCreate: (_session, { signal }) => {
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        return new Promise(() => {});
      },
    });
    const error = await failureOf(pool.acquire());
    expect(error.message).toContain('took longer than createTimeoutMs (100 ms)');
    expect(String(reasons)).toContain('createTimeoutMs');
    expect(await views(pool)).toEqual({ ada: 'cooling, 1' });
  });

  it('are left as they are by one who gives the wait up, but the login counts', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      onCreate: (_session, { signal }) =>
        signal.aborted ||
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const giveUp = new AbortController();
    const asked = pool.acquire({ signal: giveUp.signal });
    await until(async () => (await views(pool)).ada === 'ready, 1', 'it logs in');
    giveUp.abort(new Error('changed my mind'));
    expect((await failureOf(asked)).message).toBe('changed my mind');
    expect(await views(pool)).toEqual({ ada: 'ready, 1' });
  });

  it('are asked for again when none is left, if a function gives them', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    let calls = 0;
    const pool = stage.pool({
      leaseMs: HOUR_MS,
      accounts: async () => {
        calls += 1;
        if (calls === 2) throw new Error('the vault is away');
        return accountsNamed(...['ada', 'grace'].slice(0, calls === 1 ? 1 : 2));
      },
    });
    const errors: unknown[] = [];
    pool.on('error', ({ error }) => errors.push(error));
    await using first = await pool.acquire();
    await expect(pool.acquire({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    expect(calls).toBe(1);
    clock.advance(61_000);
    await expect(pool.acquire({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    expect([calls, String(errors)]).toEqual([2, 'Error: the vault is away']);
    clock.advance(61_000);
    await using second = await pool.acquire();
    expect([first, second].map(({ session }) => session.account)).toEqual(['ada', 'grace']);
  });

  it('that are parked do not log in, and their session rests until they are ready', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ accounts: accountsNamed('ada', 'grace') });
    const used = async () => {
      const lease = await pool.acquire({ timeoutMs: 50 });
      await lease.release();
      return lease.session.account;
    };
    expect(await used()).toBe('ada');
    await pool.accounts.park('ada');
    expect([await used(), await used()]).toEqual(['grace', 'grace']);
    await pool.accounts.park('grace');
    await expect(pool.acquire({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    await pool.accounts.ready('ada');
    expect(await used()).toBe('ada');
    expect(await views(pool)).toEqual({ ada: 'ready, 1', grace: 'parked, 1' });
  });

  it('are given back to who logs in next when their session dies, here or by an order', async () => {
    await using stage = await scene(kind);
    const told: string[] = [];
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      onCreate: (session) => session.cookies.set('login', 'yes', { domain: 'shop.example' }),
      onRetire: (session, reason, { account }) => {
        told.push(`${account!.id}, ${reason}, ${session.cookies.get('login')}, ${session.status}`);
      },
    });
    const ids = new Set<string>();
    for (const how of ['by itself', 'while it is free', 'while it is held', 'last']) {
      const lease = await pool.acquire();
      ids.add(lease.session.id);
      if (how === 'by itself') lease.session.retire('burnt');
      if (how === 'while it is held') await pool.retire(lease.session.id, 'ordered');
      await lease.release();
      if (how === 'while it is free') await pool.retire(lease.session.id, 'not wanted');
    }
    expect(ids.size).toBe(4);
    await until(() => told.length === 3, 'all are told');
    expect(told[0]).toBe('ada, burnt, yes, retired');
    expect(told[1]).toBe('ada, not wanted, yes, retired');
    expect(told[2]).toMatch(/^ada, (ordered|retired from outside), yes, retired$/);
  });

  it('that come from elsewhere, logged in already, are added once', async () => {
    await using stage = await scene(kind);
    let logins = 0;
    const pool = stage.pool({
      accounts: accountsNamed('ada', 'grace'),
      onCreate: () => {
        logins += 1;
      },
    });
    await pool.add({ account: 'ada', maxAgeMs: null });
    await expect(pool.add({ account: 'ada' })).rejects.toMatchObject({ code: 'DUPLICATE_SESSION' });
    const [first, second] = await takeAll(pool, 2);
    expect([first!.session.account, second!.session.account].sort()).toEqual(['ada', 'grace']);
    expect(logins).toBe(1);
  });
});

describe.each(storeKinds)('logins (%s)', (kind) => {
  it('that the site ended are renewed, and the request is sent again as the same session', async () => {
    await using site = await startPlayground({ requestsPerCookie: 1_000 });
    await using stage = await scene(kind);
    const logins: string[] = [];
    const logIn = loginAt(site.url, (id) => logins.push(id));
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      onCreate: logIn,
      refresh: logIn,
      rules: [sentToLogin],
    });
    const refreshed: PoolEvents['refreshed'][] = [];
    pool.on('refreshed', (event) => refreshed.push(event));
    const url = `${site.url}/account`;
    expect(await (await pool.fetch(url)).json()).toEqual({ account: 'ada' });
    await pool.run((session) => session.fetch(`${site.url}/logout`));
    const pages = await Promise.all(Array.from({ length: 10 }, async () => (await pool.fetch(url)).json()));
    expect(pages).toEqual(Array(10).fill({ account: 'ada' }));
    expect(logins).toEqual(['ada', 'ada']);
    // Ten requests of one visit: one login.
    const again = await pool.run(
      async (session) => {
        if (logins.length === 2) await session.fetch(`${site.url}/logout`);
        const answers = await Promise.all(Array.from({ length: 10 }, () => session.fetch(url)));
        return Promise.all(answers.map((answer) => answer.text()));
      },
      { retries: 1 },
    );
    expect(again).toEqual(Array(10).fill('{"account":"ada"}'));
    expect(logins).toHaveLength(3);
    const [session] = await sessionsOf(pool);
    expect(refreshed).toEqual(Array(2).fill({ sessionId: session!.id, accountId: 'ada' }));
    expect(session).toMatchObject({ status: 'usable', blocks: [], errorScore: 0 });
    expect(await views(pool)).toEqual({ ada: 'ready, 3' });
    expect(site.ledger.mixed).toBe(0);
  });

  it('are renewed for a plain lease when it is given back; a POST is not sent twice', async () => {
    await using site = await startPlayground();
    await using stage = await scene(kind);
    const logIn = loginAt(site.url);
    let refreshes = 0;
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      onCreate: logIn,
      refresh: async (session, context) => {
        refreshes += 1;
        await sleep(20);
        await logIn(session, context);
      },
    });
    const lease = await pool.acquire();
    await lease.session.fetch(`${site.url}/status/401`);
    await Promise.all([lease.release(), lease.release()]);
    expect(refreshes).toBe(1);
    const answer = await pool.fetch(`${site.url}/status/401`, { method: 'POST' });
    expect([answer.status, refreshes]).toEqual([401, 2]);
    const posts = Object.entries(site.ledger.snapshot().byRoute).find(([route]) => route.includes('status'));
    expect(posts![1]).toBe(2);
    expect(await (await pool.fetch(`${site.url}/account`)).json()).toEqual({ account: 'ada' });
  });

  it('that fail to be renewed cost the account, or a rest; those that may not be are not tried', async () => {
    await using site = await startPlayground();
    await using stage = await scene(kind);
    const logIn = loginAt(site.url);
    let failure: Error = new Error('the login is down');
    let refreshes = 0;
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      maxLoginsPerDay: 4,
      onCreate: logIn,
      refresh: () => {
        refreshes += 1;
        throw failure;
      },
    });
    const logOut = () => pool.fetch(`${site.url}/status/401`, { retries: 0 });
    expect((await logOut()).status).toBe(401);
    let [session] = await sessionsOf(pool);
    expect(session).toMatchObject({ state: 'resting', status: 'usable', blocks: [] });
    expect(session!.untilAt!.getTime() - Date.now()).toBeGreaterThan(40_000);
    expect(await views(pool)).toEqual({ ada: 'cooling, 2' });
    await pool.accounts.ready('ada');
    failure = new AccountError('locked', 'too many attempts', { retryAfterMs: 600_000 });
    await logOut();
    [session] = await sessionsOf(pool);
    expect(session).toMatchObject({ state: 'dead', reason: 'account: locked' });
    expect(await views(pool)).toEqual({ ada: 'locked, 3' });
    await pool.accounts.ready('ada');
    await (await pool.acquire()).release();
    expect(await views(pool)).toEqual({ ada: 'ready, 4' });
    await logOut();
    expect(refreshes).toBe(2);
    const living = (await sessionsOf(pool)).find(({ state }) => state !== 'dead')!;
    expect(living.untilAt!.getTime() - Date.now()).toBeGreaterThan(23 * HOUR_MS);
  });

  it('that nobody renews are replaced: the session is retired, and the next logs in', async () => {
    await using site = await startPlayground();
    await using stage = await scene(kind);
    const logins: string[] = [];
    const pool = stage.pool({
      accounts: accountsNamed('ada'),
      onCreate: loginAt(site.url, (id) => logins.push(id)),
      rules: [sentToLogin],
    });
    await pool.run((session) => session.fetch(`${site.url}/logout`));
    const page = await pool.fetch(`${site.url}/account`);
    expect(await page.json()).toEqual({ account: 'ada' });
    expect(logins).toEqual(['ada', 'ada']);
    expect((await sessionsOf(pool)).map(({ status }) => status).sort()).toEqual(['retired', 'usable']);
  });

  it('are checked after each use, or now and then', async () => {
    await using site = await startPlayground();
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const logIn = loginAt(site.url);
    let looks = 0;
    let refreshes = 0;
    const make = (checkEveryMs: number) =>
      stage.pool({
        accounts: accountsNamed('ada'),
        onCreate: logIn,
        refresh: (session, context) => {
          refreshes += 1;
          return logIn(session, context);
        },
        checkEveryMs,
        check: async (session, { account, signal }) => {
          looks += 1;
          expect(account!.id).toBe('ada');
          const page = await session.fetch(`${site.url}/account`, { redirect: 'manual', signal });
          return page.status === 200;
        },
      });
    const pool = make(0);
    await pool.fetch(`${site.url}/item/1`);
    await pool.fetch(`${site.url}/item/2`);
    expect([looks, refreshes]).toEqual([2, 0]);
    await pool.run((session) => session.fetch(`${site.url}/logout`));
    expect([looks, refreshes]).toEqual([3, 1]);
    const seldom = make(60_000);
    for (let use = 0; use < 3; use++) await seldom.fetch(`${site.url}/item/3`);
    expect(looks).toBe(4);
    clock.advance(60_000);
    for (let use = 0; use < 3; use++) await seldom.fetch(`${site.url}/item/3`);
    expect([looks, refreshes]).toEqual([5, 1]);
    const [session] = await sessionsOf(pool);
    // What the check asked for is no use, and its answers are none of it.
    expect(session).toMatchObject({ status: 'usable', blocks: [] });
  });
});

describe.each(storeKinds)('a stock of ready sessions (%s)', (kind) => {
  it('is filled in the background, refilled, and never beyond what there may be', async () => {
    await using stage = await scene(kind);
    let making = 0;
    let most = 0;
    const pool = stage.pool({
      minReady: 6,
      maxPoolSize: 8,
      onCreate: async () => {
        most = Math.max(most, ++making);
        await sleep(20);
        making -= 1;
      },
    });
    await pool.open();
    const ready = async () => (await pool.stats()).sessions.ready;
    await until(async () => (await ready()) === 6, 'six are ready');
    expect(most).toBeLessThanOrEqual(4);
    const leases = await takeAll(pool, 4);
    await until(async () => (await pool.stats()).sessions.usable === 8, 'there are eight');
    await sleep(300);
    expect((await pool.stats()).sessions).toMatchObject({ usable: 8, ready: 4, leased: 4 });
    for (const lease of leases) lease.session.retire();
    await Promise.all(leases.map((lease) => lease.release()));
    await until(async () => (await ready()) === 6, 'six are ready again');
  });

  it('is not overfilled by several that fill it', async () => {
    await using stage = await scene(kind);
    const options = { minReady: 5, onCreate: () => sleep(10) };
    const pools = [stage.pool(options), stage.pool(options), stage.pool(options)];
    await Promise.all(pools.map((pool) => pool.open()));
    await until(async () => (await pools[0]!.stats()).sessions.ready >= 5, 'five are ready');
    await sleep(1_500);
    expect((await pools[0]!.stats()).sessions).toMatchObject({ usable: 5, places: 0 });
  });

  it('is not hammered where sessions cannot be made, and says so', async () => {
    await using stage = await scene(kind);
    let tries = 0;
    const pool = stage.pool({
      minReady: 50,
      onCreate: () => {
        tries += 1;
        throw new Error('the login is down');
      },
    });
    const errors: unknown[] = [];
    pool.on('error', ({ during }) => errors.push(during));
    await pool.open();
    const since = performance.now();
    await sleep(1_500);
    await until(() => tries > 0, 'it was tried');
    expect(tries).toBeLessThanOrEqual((8 * (performance.now() - since)) / 1_500);
    expect(new Set(errors)).toEqual(new Set(['making a session for the stock']));
  });

  it('ends with its pool, also in the middle of making one', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({
      minReady: 2,
      onCreate: (_session, { signal }) => sleep(signal.aborted ? 0 : 60_000),
    });
    await pool.open();
    await until(async () => (await pool.stats()).sessions.places === 2, 'two are in the making');
    const since = performance.now();
    await pool.close();
    expect(performance.now() - since).toBeLessThan(30_000);
  });
});

describe('a list of accounts', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['no list', 'ada', /"accounts" must be a list of accounts/],
    ['an entry that is none', ['ada'], /"accounts.0" must be an object/],
    ['without an id', [{ password: 'secret-4711' }], /"accounts.0.id" must be a user name.*got undefined/],
    ['with an empty one', [{ id: '' }], /"accounts.0.id" must be/],
    [
      'with the same twice',
      [{ id: 'ada-4711' }, { id: 'x' }, { id: 'ada-4711' }],
      /"accounts.2.id" is the same as "accounts.0.id"/,
    ],
  ];
  it.each(wrong)('is refused: %s', (_, accounts, expected) => {
    const make = () => new SessionPool({ accounts } as SessionPoolOptions);
    expect(make).toThrow(expected);
    expect(make).not.toThrow(/4711/);
  });

  it('is refused too when a function gives it, by whoever opens the pool', async () => {
    let list: unknown = [{ name: 'ada' }];
    await using pool = new SessionPool({ accounts: () => list as [] });
    expect((await failureOf(pool.open())).message).toContain('"accounts.0.id"');
    list = accountsNamed('ada');
    await using lease = await pool.acquire();
    expect(lease.session.account).toBe('ada');
  });
});
