import { describe, expect, it } from 'vitest';
import { type SessionPool, troupeInfo } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, isPending, scene, serve, sessionsOf, sleep, storeKinds, until } from './helpers.ts';

/** A site that counts how many are there at once. */
async function crowdedSite(host?: string, ms = 100) {
  const crowd = { now: 0, most: 0 };
  const site = await serve(async (_request, response) => {
    crowd.now++;
    crowd.most = Math.max(crowd.most, crowd.now);
    await sleep(ms);
    crowd.now--;
    response.end('ok');
  }, host);
  return Object.assign(site, { crowd });
}

describe.each(storeKinds)('users at one site at once (%s)', (kind) => {
  it('are eight by default, and everyone is served', async () => {
    await using stage = await scene(kind);
    await using site = await crowdedSite();
    const pool = stage.pool({ timeoutMs: 20_000 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => pool.fetch(site.url)));
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    expect(site.crowd.most).toBe(8);
  });

  it('are counted for each site by itself', async () => {
    await using stage = await scene(kind);
    await using one = await crowdedSite('127.0.0.1');
    await using two = await crowdedSite('127.0.0.2');
    const pool = stage.pool({ maxConcurrentPerSite: 2 });
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        await Promise.all([pool.fetch(one.url), pool.fetch(two.url)]);
      }),
    );
    expect([one.crowd.most, two.crowd.most]).toEqual([2, 2]);
  });

  it('hold their place from acquire({ url }) to the release', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxConcurrentPerSite: 2 });
    const url = 'https://shop.example.com/';
    const first = await pool.acquire({ url });
    const second = await pool.acquire({ site: 'example.com' });
    const third = pool.acquire({ url: 'https://example.com/other' });
    expect(await isPending(third)).toBe(true);
    const elsewhere = await pool.acquire({ url: 'https://example.org/' });
    const nowhere = await pool.acquire();
    await first.release();
    for (const lease of [await third, second, elsewhere, nowhere]) await lease.release();
  });

  it('wait for their place also with leases that were asked for without a site', async () => {
    await using stage = await scene(kind);
    await using site = await crowdedSite();
    const pool = stage.pool({ maxConcurrentPerSite: 3 });
    await Promise.all(
      Array.from({ length: 12 }, () =>
        pool.run(async (session) => {
          for (let page = 0; page < 2; page++) await (await session.fetch(`${site.url}/${page}`)).text();
        }),
      ),
    );
    expect(site.crowd.most).toBe(3);
    expect(site.seen).toHaveLength(24);
  });

  it('do not wait for themselves: who was leased for the site fetches as much at once as it likes', async () => {
    await using stage = await scene(kind);
    await using site = await crowdedSite();
    const pool = stage.pool({ maxConcurrentPerSite: 1 });
    await pool.run(
      async (session) => {
        await Promise.all(Array.from({ length: 6 }, async () => (await session.fetch(site.url)).text()));
      },
      { url: site.url },
    );
    expect(site.seen).toHaveLength(6);
  });

  it('leave their place when they give up, fail or are lost', async () => {
    await using stage = await scene(kind);
    await using site = await serve((request, response) => {
      if (request.url === '/drop') request.socket.destroy();
      else if (request.url !== '/hang') response.end('ok');
    });
    const pool = stage.pool({ maxConcurrentPerSite: 1, retries: 0 });
    await pool.fetch(`${site.url}/drop`).catch(() => {});
    await pool.run((session) => session.fetch(`${site.url}/drop`)).catch(() => {});
    await pool.fetch(`${site.url}/hang`, { signal: AbortSignal.timeout(40) }).catch(() => {});
    const waiting = pool.fetch(`${site.url}/hang`, { signal: AbortSignal.timeout(40) }).catch(() => {});
    await pool.fetch(site.url, { signal: AbortSignal.timeout(10) }).catch(() => {});
    await waiting;
    await pool.acquire({ url: site.url, id: 'nobody' }).catch(() => {});
    await pool
      .run(
        () => {
          throw new Error('mine');
        },
        { url: site.url },
      )
      .catch(() => {});
    const retired = await pool.acquire({ url: site.url });
    await pool.remove(retired.session.id);
    await retired.release().catch(() => {});
    expect((await pool.fetch(site.url)).status).toBe(200);
  });

  it('are not kept out by those who only look for a session there', async () => {
    await using stage = await scene(kind);
    await using site = await crowdedSite();
    const pool = stage.pool({ maxConcurrentPerSite: 1, maxPoolSize: 2 });
    await pool.add([{ id: 'a' }, { id: 'b' }]);
    const busy = await pool.acquire({ id: 'a' });
    // Takes the one place while the store looks, and gets nothing.
    const waiting = pool.acquire({ id: 'a', url: site.url });
    const response = await busy.session.fetch(site.url, { signal: AbortSignal.timeout(5_000) });
    expect(await response.text()).toBe('ok');
    const again = pool.acquire({ id: 'a', site: '127.0.0.1' });
    const free = pool.acquire({ id: 'b', url: site.url, timeoutMs: 5_000 });
    await (await free).release();
    await busy.release();
    await (await waiting).release();
    await (await again).release();
  });
});

describe('a site that turns users away, without a pace', () => {
  const limitedSite = async (state: { isLimited: boolean; retryAfter?: string }) =>
    serve((_request, response) => {
      const headers = state.retryAfter ? { 'retry-after': state.retryAfter } : {};
      response.writeHead(state.isLimited ? 429 : 200, state.isLimited ? headers : {}).end();
    });
  const visit = async (pool: SessionPool, url: string) =>
    troupeInfo(await pool.fetch(url, { retries: 0 }))!.verdict;

  it('rests for everybody after three different users in a row, as long as it asked, and comes back', async () => {
    const clock = fakeClock();
    await using stage = await scene('memory', clock);
    const state = { isLimited: true, retryAfter: '30' };
    await using site = await limitedSite(state);
    await using other = await serve((_request, response) => response.end(), '127.0.0.2');
    const pool = stage.pool({ pace: 'off' });
    const rests: unknown[] = [];
    pool.on('siteRested', (event) => rests.push(event));
    await visit(pool, site.url);
    await visit(pool, site.url);
    expect(rests).toEqual([]);
    await visit(pool, site.url);
    expect(rests).toMatchObject([{ site: '127.0.0.1', ms: 30_000 }]);
    expect((await pool.stats()).sites['127.0.0.1']).toMatchObject({ resting: 3, siteRestsForMs: 30_000 });
    const error = await failureOf(pool.fetch(site.url, { timeoutMs: 30 }));
    expect(error).toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    expect(error.message).toContain('the site rests for');
    expect(site.seen).toHaveLength(3);
    expect(await visit(pool, other.url)).toBe('ok');
    state.isLimited = false;
    clock.advance(30_001);
    expect(await visit(pool, site.url)).toBe('ok');
    expect((await pool.stats()).sites['127.0.0.1']?.siteRestsForMs ?? 0).toBe(0);
  });

  it('lets those who waited in when its rest ends', async () => {
    await using stage = await scene('memory');
    const state = { isLimited: true, retryAfter: '1' };
    await using site = await limitedSite(state);
    const pool = stage.pool({ pace: 'off' });
    for (let user = 0; user < 3; user++) await visit(pool, site.url);
    state.isLimited = false;
    const asked = pool.fetch(site.url);
    const within = pool.run(async (session) => (await session.fetch(site.url)).status);
    expect(await isPending(Promise.race([asked, within]), 200)).toBe(true);
    expect((await asked).status).toBe(200);
    expect(await within).toBe(200);
  });

  it('does not rest where somebody was let in between, or it was the same user', async () => {
    await using stage = await scene('memory');
    const state = { isLimited: true };
    await using site = await limitedSite(state);
    const pool = stage.pool({ pace: 'off' });
    const rests: unknown[] = [];
    pool.on('siteRested', (event) => rests.push(event));
    await visit(pool, site.url);
    await visit(pool, site.url);
    state.isLimited = false;
    await visit(pool, site.url);
    state.isLimited = true;
    await visit(pool, site.url);
    await visit(pool, site.url);
    expect(rests).toEqual([]);
    await using other = await scene('memory');
    const alone = other.pool({ maxPoolSize: 1, pace: 'off' });
    alone.on('siteRested', (event) => rests.push(event));
    await alone.run(async (session) => {
      for (let page = 0; page < 5; page++) await (await session.fetch(site.url)).text();
    });
    expect(rests).toEqual([]);
  });

  it('rests longer each time, and at most maxRestMs', async () => {
    const clock = fakeClock();
    await using stage = await scene('memory', clock);
    await using site = await limitedSite({ isLimited: true });
    const pool = stage.pool({ maxRestMs: 10_000, pace: 'off' });
    const rests: number[] = [];
    pool.on('siteRested', ({ ms }) => rests.push(ms));
    for (let round = 0; round < 6; round++) {
      for (let user = 0; user < 3; user++) await visit(pool, site.url);
      clock.advance(20_000);
    }
    expect(rests).toHaveLength(6);
    expect(rests[1]!).toBeGreaterThan(rests[0]!);
    expect(rests[2]!).toBeGreaterThan(rests[1]!);
    expect(Math.max(...rests)).toBe(10_000);
  });
});

describe.each(storeKinds)('minDelayMs (%s)', (kind) => {
  it('lies between two uses of one session', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ maxPoolSize: 2, minDelayMs: 1_000 });
    const events: unknown[] = [];
    pool.on('rested', (event) => events.push(event));
    const ids = [];
    for (let use = 0; use < 2; use++) {
      await using lease = await pool.acquire();
      ids.push(lease.session.id);
    }
    expect(new Set(ids).size).toBe(2);
    expect((await failureOf(pool.acquire({ timeoutMs: 20 }))).code).toBe('ACQUIRE_TIMEOUT');
    clock.advance(999);
    expect((await failureOf(pool.acquire({ timeoutMs: 20 }))).code).toBe('ACQUIRE_TIMEOUT');
    // A fifth longer at most.
    clock.advance(201);
    await (await pool.acquire({ timeoutMs: 500 })).release();
    // It is the pace of the pool, and nothing to tell.
    expect(events).toEqual([]);
    expect((await sessionsOf(pool)).map(({ usageCount }) => usageCount)).toEqual([0, 0]);
  });

  it('is never shorter, nor always the same', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ minDelayMs: 1_000 });
    const leases = await Promise.all(Array.from({ length: 20 }, () => pool.acquire()));
    for (const lease of leases) await lease.release();
    const rests = (await sessionsOf(pool)).map(({ untilAt }) => untilAt!.getTime() - clock.now());
    expect(Math.min(...rests)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...rests)).toBeLessThanOrEqual(1_200);
    expect(new Set(rests).size).toBeGreaterThan(5);
  });

  it('is waited for', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1, minDelayMs: 80 });
    const since = performance.now();
    for (let use = 0; use < 3; use++) await pool.run(() => {});
    expect(performance.now() - since).toBeGreaterThan(150);
    await until(async () => (await pool.stats()).sessions.ready === 1, 'it is ready again');
  });
});
