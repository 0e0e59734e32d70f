import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SessionPool } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, scene, serve, sessionsOf, storeKinds } from './helpers.ts';

/** Two sites on this machine: one asked by address, the other by name. */
const otherSite = (url: string) => url.replace('127.0.0.1', 'localhost');

describe.each(storeKinds)('against hostile sites and wrong calls (%s)', (kind) => {
  it('does not ban a user from the site it asked for what another said, nor from that other', async () => {
    await using stage = await scene(kind);
    await using refusing = await serve((_request, response) => response.writeHead(403).end());
    await using asked = await serve((_request, response) =>
      response.writeHead(302, { location: otherSite(refusing.url) }).end(),
    );
    const pool = stage.pool({ maxPoolSize: 1 });
    const evidence: string[] = [];
    pool.on('judged', (event) => evidence.push(event.evidence));
    const answer = await pool.fetch(asked.url, { retries: 0 });
    expect(answer.status).toBe(403);
    expect(evidence).toEqual(['status 403, from localhost']);
    const [user] = await sessionsOf(pool);
    expect(user).toMatchObject({
      status: 'usable',
      blocks: [{ site: '127.0.0.1', untilAt: expect.any(Date) }],
    });
    expect(user!.blocks[0]!.untilAt!.getTime()).toBeLessThan(Date.now() + 10_000);
  });

  it('lets no other site say how long a user stays away from the one that was asked', async () => {
    await using stage = await scene(kind);
    await using slow = await serve((_request, response) =>
      response.writeHead(429, { 'retry-after': '3000' }).end(),
    );
    await using asked = await serve((_request, response) =>
      response.writeHead(302, { location: otherSite(slow.url) }).end(),
    );
    const pool = stage.pool({ maxPoolSize: 1 });
    await pool.fetch(asked.url, { retries: 0 });
    const [user] = await sessionsOf(pool);
    expect(user!.blocks[0]!.untilAt!.getTime()).toBeLessThan(Date.now() + 10_000);
  });

  it('lifts no ban by a Retry-After of 0', async () => {
    await using stage = await scene(kind);
    let status = 403;
    await using site = await serve((_request, response) =>
      response.writeHead(status, { 'retry-after': '0' }).end(),
    );
    const pool = stage.pool({ maxPoolSize: 1 });
    await pool.fetch(site.url, { retries: 0 });
    status = 429;
    await pool.run((session) => session.fetch(site.url));
    const [user] = await sessionsOf(pool);
    expect(user!.blocks).toMatchObject([{ site: '127.0.0.1', untilAt: null }]);
  });

  it('lifts no ban by a rest that was over before the release', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    await using site = await serve((_request, response) => response.writeHead(403).end());
    const pool = stage.pool({ maxPoolSize: 1 });
    await pool.fetch(site.url, { retries: 0 });
    const lease = await pool.acquire();
    lease.session.rest(1_000, { site: site.url });
    clock.advance(2_000);
    await lease.release();
    const [user] = await sessionsOf(pool);
    expect(user!.blocks).toMatchObject([{ site: '127.0.0.1', untilAt: null }]);
  });

  it('bounds the bodies that a task reads by the pool’s own limit', async () => {
    await using stage = await scene(kind);
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    await using site = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    const pool = stage.pool({ maxBodyBytes: 100_000 });
    const error = await failureOf(pool.run(async (session) => (await session.fetch(site.url)).text()));
    expect(error).toMatchObject({ code: 'FETCH_TOO_LARGE' });
  });

  it('ends the wait of two tasks that each hold the place the other wants', async () => {
    await using stage = await scene(kind);
    await using site = await serve((_request, response) => response.end('ok'));
    const pool = stage.pool({ maxConcurrentPerSite: 1, timeoutMs: 300 });
    const [here, there] = [site.url, otherSite(site.url)];
    const barrier = Promise.withResolvers<void>();
    let arrived = 0;
    const cross = (mine: string, others: string) =>
      pool.run(
        async (session) => {
          arrived += 1;
          if (arrived === 2) barrier.resolve();
          await barrier.promise;
          await session.fetch(others);
        },
        { url: mine },
      );
    const results = await Promise.allSettled([cross(here, there), cross(there, here)]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({
        code: 'ACQUIRE_TIMEOUT',
        message: expect.stringMatching(/no place became free for/),
      });
    }
  });

  it('answers a second release when the first has come to its end', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const lease = await pool.acquire();
    lease.session.markGood();
    void lease.release();
    await lease.release();
    expect(await pool.get(lease.session.id)).toMatchObject({ state: 'ready', usageCount: 1 });
  });

  it('names a wrong argument at once, before any session is leased', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const wrong: [call: () => Promise<unknown>, option: string][] = [
      [() => pool.add(undefined as never), 'sessions.0'],
      [() => pool.add([{ id: 'a' }, 7] as never), 'sessions.1'],
      [() => pool.acquire({ url: 'mailto:a@example.com' }), 'url'],
      [() => pool.acquire({ url: 'example.com' }), 'url'],
      [() => pool.run(5 as never), 'task'],
      [() => pool.get(7 as never), 'id'],
      [() => pool.retire(undefined as never), 'id'],
      [() => pool.revive('' as never), 'id'],
      [() => pool.rest({} as never, 5), 'id'],
      [() => pool.rest('a', Number.NaN), 'ms'],
      [() => pool.remove([] as never), 'id'],
    ];
    for (const [call, option] of wrong) {
      expect(await failureOf(call())).toMatchObject({ code: 'INVALID_OPTION', option });
    }
    expect((await pool.stats()).sessions.usable).toBe(0);
  });
});

it.each([
  [{ session: { cookies: 5 } }, 'cookies'],
  [{ session: { proxy: 'nowhere' } }, 'proxy.url'],
  [
    { session: { fingerprint: { userAgent: 'x', headers: { Cookie: 'a=b' } } } },
    'fingerprint.headers.Cookie',
  ],
  [{ clock: {} }, 'clock'],
])('refuses pool options whose fault would only show with the first session: %o', (options, option) => {
  expect(() => new SessionPool(options as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', option }),
  );
});
