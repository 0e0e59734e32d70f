import { describe, expect, it } from 'vitest';
import { troupeInfo } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, scene, serve, sessionsOf, storeKinds, until } from './helpers.ts';

describe('blockBreaker', () => {
  it('leaves a site alone that blocks one after the other, and comes back with one at a time', async () => {
    const clock = fakeClock();
    await using stage = await scene('memory', clock);
    const state = { status: 403, most: 0, now: 0 };
    await using site = await serve((_request, response) => {
      state.now += 1;
      state.most = Math.max(state.most, state.now);
      setTimeout(() => {
        state.now -= 1;
        response.writeHead(state.status).end();
      }, 5);
    });
    const pool = stage.pool({ pace: 'off', retries: 0, blockBreaker: { window: 6, pauseMs: 60_000 } });
    const told: unknown[] = [];
    pool.on('sitePaused', (event) => told.push(event));
    pool.on('siteResumed', (event) => told.push(event));
    for (let page = 0; page < 6; page++) await pool.fetch(`${site.url}/${page}`);
    expect(told).toMatchObject([{ site: '127.0.0.1', ms: 60_000 }]);
    const error = await failureOf(pool.fetch(site.url, { timeoutMs: 30 }));
    expect(error.code).toBe('ACQUIRE_TIMEOUT');
    expect(error.message).toContain('the site rests for 60000 ms');
    expect(site.seen).toHaveLength(6);
    clock.advance(60_001);
    state.status = 200;
    state.most = 0;
    await Promise.all([
      pool.fetch(`${site.url}/a`),
      pool.fetch(`${site.url}/b`),
      pool.fetch(`${site.url}/c`),
    ]);
    expect(told).toMatchObject([{}, { site: '127.0.0.1' }]);
    expect(state.most).toBeLessThan(3);
  });

  it('is not for a site that blocks some, and can be left out', async () => {
    await using stage = await scene('memory');
    await using site = await serve((request, response) => {
      response.writeHead(Number(request.url!.slice(1)) % 3 === 0 ? 403 : 200).end();
    });
    const pool = stage.pool({ pace: 'off', retries: 0, blockBreaker: { window: 6 } });
    pool.on('sitePaused', () => expect.unreachable());
    for (let page = 0; page < 30; page++) await pool.fetch(`${site.url}/${page}`);
    const open = stage.pool({ pace: 'off', retries: 0, blockBreaker: null });
    open.on('sitePaused', () => expect.unreachable());
    for (let page = 0; page < 30; page++) await open.fetch(`${site.url}/0?${page}`);
  });
});

describe('captchas that only rest their users', () => {
  const captcha =
    '<!doctype html><title>Verify you are human</title><div class="g-recaptcha" data-sitekey="k"></div>';

  it.each([
    ['auto', 0],
    ['off', 1],
  ] as const)('are the business of the pace, where there is one (%s)', async (pace, pauses) => {
    const clock = fakeClock();
    await using stage = await scene('memory', clock);
    await using site = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(captcha);
    });
    const pool = stage.pool({ pace, retries: 0, blockBreaker: { window: 4, pauseMs: 60_000 } });
    const told: unknown[] = [];
    pool.on('sitePaused', (event) => told.push(event));
    for (let page = 0; page < 4; page++) {
      const answer = await pool.fetch(`${site.url}/${page}`);
      expect(troupeInfo(answer)?.verdict).toBe('blocked');
      clock.advance(10_000);
    }
    expect(told).toHaveLength(pauses);
  });
});

describe.each(storeKinds)('a URL that is forbidden for everybody (%s)', (kind) => {
  it('costs nobody anything once three users were refused, and those who paid get it back', async () => {
    await using stage = await scene(kind);
    await using site = await serve((request, response) => {
      response.writeHead(request.url === '/private?of=all' ? 403 : 200).end();
    });
    const pool = stage.pool({ pace: 'off', retries: 5 });
    const bad: unknown[] = [];
    pool.on('badUrl', (event) => bad.push(event));
    const answer = await pool.fetch(`${site.url}/private?of=all#part`);
    expect(answer.status).toBe(403);
    expect(troupeInfo(answer)).toMatchObject({ verdict: 'blocked', attempts: 3, isBadUrl: true });
    expect(bad).toEqual([{ where: `${site.url}/private`, site: '127.0.0.1', users: 3 }]);
    const isFree = async () => (await sessionsOf(pool)).every(({ blocks }) => blocks.length === 0);
    await until(isFree, 'the bans are lifted');
    const again = await pool.fetch(`${site.url}/private?of=all`);
    expect(troupeInfo(again)).toMatchObject({ attempts: 1, isBadUrl: true });
    expect(await isFree()).toBe(true);
    expect(troupeInfo(await pool.fetch(`${site.url}/private`))).toMatchObject({
      verdict: 'ok',
      isBadUrl: false,
    });
    expect(bad).toHaveLength(1);
  });
});

describe.each(storeKinds)('revive by reason and time (%s)', (kind) => {
  it('brings back those who died so, and no others', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool();
    await pool.add([{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }]);
    await pool.retire('a', 'blocked status: status 403');
    clock.advance(60_000);
    await pool.retire('b', 'blocked status: status 401');
    await pool.retire('c', 'closed');
    const living = async () =>
      (await sessionsOf(pool)).filter(({ status }) => status === 'usable').map(({ id }) => id);
    expect(await pool.revive({ reason: 'blocked status', since: new Date(clock.now() - 1_000) })).toBe(1);
    expect(await living()).toEqual(['b', 'd']);
    expect(await pool.revive({ reason: 'blocked status' })).toBe(1);
    expect(await pool.revive({ since: new Date(clock.now() + 1) })).toBe(0);
    expect(await pool.revive({ since: new Date(0) })).toBe(1);
    expect(await living()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('wants to know which', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    expect((await failureOf(pool.revive({}))).message).toContain('a reason, or since when');
    expect((await failureOf(pool.revive({ since: new Date(Number.NaN) }))).message).toContain('"since"');
  });
});
