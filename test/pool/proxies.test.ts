import { afterEach, describe, expect, it } from 'vitest';
import type { SessionPool, SessionPoolOptions } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/index.ts';
import { deadPort, failureOf, type Scene, scene, serve, sessionsOf, storeKinds, until } from './helpers.ts';
import { fill, listen, proxyOfEach, proxyThat } from './proxy-helpers.ts';

describe.each(storeKinds)('the proxies of a pool (%s)', (kind) => {
  let opened: Scene | undefined;
  afterEach(() => opened?.[Symbol.asyncDispose]());
  const open = async (): Promise<Scene> => {
    opened = await scene(kind);
    return opened;
  };
  const urls = ['http://a:1@127.0.0.1:8001', 'http://b:1@127.0.0.1:8002', 'http://c:1@127.0.0.1:8003'];

  it('gives each new session the least-loaded one', async () => {
    const pool = (await open()).pool({ proxies: urls });
    await fill(pool, 9);
    expect(await proxyOfEach(pool)).toEqual([...urls, ...urls, ...urls].sort());
  });

  it('goes on balancing where sessions are known from before, and they keep theirs', async () => {
    const place = await open();
    const first = place.pool({ proxies: urls });
    await fill(first, 3);
    const before = await proxyOfEach(first);
    await first.close();
    const second = place.pool({ proxies: urls });
    await fill(second, 3);
    expect(await proxyOfEach(second)).toEqual(before);
  });

  it('takes the least loaded, also by password alone', async () => {
    const pair = ['http://u:one@127.0.0.1:8001', 'http://u:two@127.0.0.1:8001'];
    const pool = (await open()).pool({ proxies: pair });
    await fill(pool, 4);
    expect(await proxyOfEach(pool)).toEqual([pair[0], pair[0], pair[1], pair[1]]);
    expect(Object.keys((await pool.stats()).proxies)).toEqual([
      'http://127.0.0.1:8001',
      'http://127.0.0.1:8001 #2',
    ]);
  });
});

describe('a proxy that fails', () => {
  let opened: Scene | undefined;
  afterEach(() => opened?.[Symbol.asyncDispose]());
  const poolOf = async (options: SessionPoolOptions): Promise<SessionPool> => {
    opened = await scene('sqlite');
    return opened.pool(options);
  };

  it('is quarantined, and its sessions are not hurt: the pages come through the others', async () => {
    await using site = await serve((_request, response) => response.end('a page'));
    const good = await proxyThat();
    const { url: dead, address } = await proxyThat('refuse');
    const pool = await poolOf({ proxies: [good.url, dead] });
    const told = listen(pool, 'proxyQuarantined');
    await fill(pool, 6);
    for (let page = 0; page < 12; page += 1) {
      const response = await pool.fetch(site.url);
      expect(await response.text()).toBe('a page');
    }
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ proxy: address });
    expect(told[0]!.ms).toBeGreaterThanOrEqual(12_000);
    for (const session of await sessionsOf(pool)) expect(session.errorScore).toBe(0);
    const { proxies, sessions } = await pool.stats();
    expect(sessions.resting).toBe(3);
    expect(proxies[address]).toMatchObject({ state: 'quarantined', failures: 1 });
    expect(JSON.stringify(proxies)).not.toContain('SECRET');
  });

  it('gets no new session; where all fail, whoever asks hears why', async () => {
    const { url: dead } = await proxyThat('refuse');
    await using site = await serve((_request, response) => response.end());
    const pool = await poolOf({ proxies: [dead], timeoutMs: 700 });
    const told = listen(pool, 'proxyQuarantined');
    const error = await failureOf(pool.fetch(site.url, { retries: 0 }));
    expect(error.code).toBe('FETCH_CONNECT');
    await until(() => told.length > 0, 'it is quarantined');
    const waited = await failureOf(pool.acquire());
    expect(waited.code).toBe('ACQUIRE_TIMEOUT');
    expect(waited.message).toContain('1 of 1 proxies quarantined');
    expect(waited.message).not.toContain('SECRET');
  });
});

describe('a proxy in quarantine', () => {
  let opened: Scene | undefined;
  afterEach(() => opened?.[Symbol.asyncDispose]());

  it('is tried by one session when its time is over, gets few requests while it is dead, and comes back', async () => {
    await using site = await serve((_request, response) => response.end('a page'));
    const proxy = await proxyThat(407);
    const clock = fakeClock();
    opened = await scene('sqlite', clock);
    const pools = [1, 2].map(() => opened!.pool({ proxies: [proxy.url], timeoutMs: 300, maxPoolSize: 6 }));
    const quarantined = pools.map((pool) => listen(pool, 'proxyQuarantined'));
    const back = pools.map((pool) => listen(pool, 'proxyBack'));
    for (const pool of pools) await fill(pool, 3);

    // Ten minutes of two processes that ask all the time.
    const begin = clock.now();
    const inEachMinute: number[] = [];
    for (let minute = 0; minute < 10; minute += 1) {
      const before = proxy.proxy.asked.length;
      for (let step = 0; step < 12; step += 1) {
        await Promise.all(
          pools.map((pool) => pool.fetch(site.url, { retries: 0, timeoutMs: 1 }).catch(() => {})),
        );
        clock.advance(5_000);
      }
      inEachMinute.push(proxy.proxy.asked.length - before);
    }
    expect(clock.now() - begin).toBe(600_000);
    // Two may be under way when it becomes known.
    expect(inEachMinute[0]).toBeLessThanOrEqual(2 + 5);
    expect(Math.max(...inEachMinute.slice(1))).toBeLessThanOrEqual(5);
    expect(proxy.proxy.asked.length).toBeLessThan(12);
    expect(site.seen).toEqual([]);
    const told = quarantined.flat().map(({ ms }) => ms);
    expect(told.length).toBeGreaterThanOrEqual(4);

    await proxy.proxy.behave('work');
    clock.advance(610_000);
    const askedBefore = proxy.proxy.asked.length;
    await until(async () => {
      clock.advance(1_000);
      const response = await pools[0]!.fetch(site.url, { retries: 0, timeoutMs: 50 }).catch(() => undefined);
      return response?.ok === true;
    }, 'it is back');
    expect(proxy.proxy.asked.length - askedBefore).toBe(1);
    expect(back.flat()).toEqual([{ proxy: proxy.address }]);
    // The others follow.
    clock.advance(3_000);
    const all = await Promise.all(Array.from({ length: 3 }, () => pools[1]!.fetch(site.url)));
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const session of await sessionsOf(pools[0]!)) expect(session.errorScore).toBe(0);
    expect(JSON.stringify([...quarantined, ...back])).not.toContain('SECRET');
  });

  it('is let alone by those who held a session before', async () => {
    await using site = await serve((_request, response) => response.end());
    const proxy = await proxyThat(407);
    opened = await scene('memory');
    const pool = opened.pool({ proxies: [proxy.url] });
    await using first = await pool.acquire();
    await using second = await pool.acquire();
    await failureOf(first.session.fetch(site.url));
    const asked = proxy.proxy.asked.length;
    for (const lease of [first, second, first, second]) {
      const error = await failureOf(lease.session.fetch(site.url));
      expect(error).toMatchObject({ code: 'FETCH_CONNECT', neverSent: true });
    }
    expect(proxy.proxy.asked.length).toBe(asked);
  });

  it('is told by a document that holds no URL and no credential', async () => {
    await using site = await serve((_request, response) => response.end());
    const proxy = await proxyThat(407);
    opened = await scene('sqlite');
    const pool = opened.pool({ proxies: [{ id: 'one', url: proxy.url }] });
    await failureOf(pool.fetch(site.url, { retries: 0 }));
    const store = opened.store();
    await until(async () => (await store.document('proxies'))!.value.includes('untilAt'), 'it is written');
    const { value } = (await store.document('proxies'))!;
    expect(value).not.toMatch(/SECRET|user|localhost|127\.0|http|one/);
    const [tag] = Object.keys(JSON.parse(value).failing);
    const { sessions } = await store.list({ limit: 10 });
    expect(sessions.map((session) => session.tag)).toEqual([tag]);
  });

  it('is known to all from the moment when it is: a new worker sends it nothing', async () => {
    await using site = await serve((_request, response) => response.end());
    const proxy = await proxyThat(407);
    const good = await proxyThat();
    opened = await scene('sqlite');
    const first = opened.pool({ proxies: [proxy.url, good.url] });
    const told = listen(first, 'proxyQuarantined');
    await fill(first, 2);
    while (told.length === 0) await first.fetch(site.url, { retries: 0 }).catch(() => {});
    const asked = proxy.proxy.asked.length;
    const second = opened.pool({ proxies: [proxy.url, good.url] });
    await fill(second, 6);
    for (let page = 0; page < 6; page += 1) expect((await second.fetch(site.url)).status).toBe(200);
    expect(proxy.proxy.asked.length).toBe(asked);
    const { proxies } = await second.stats();
    expect(Object.values(proxies).map(({ state, sessions }) => [state, sessions])).toEqual([
      ['quarantined', 1],
      ['healthy', 6],
    ]);
  });

  it('is that of all sessions: it rests them, and they are tried through it one at a time', async () => {
    await using site = await serve((_request, response) => response.end());
    const proxy = await proxyThat(407);
    const clock = fakeClock();
    opened = await scene('memory', clock);
    const pool = opened.pool({ session: { proxy: proxy.url }, timeoutMs: 200, maxPoolSize: 3 });
    await fill(pool, 3);
    await failureOf(pool.fetch(site.url, { retries: 0 }));
    expect((await pool.stats()).sessions.resting).toBe(3);
    expect(proxy.proxy.asked).toHaveLength(1);
    expect((await failureOf(pool.acquire())).code).toBe('ACQUIRE_TIMEOUT');
    clock.advance(16_000);
    await using probe = await pool.acquire();
    expect((await failureOf(pool.acquire())).code).toBe('ACQUIRE_TIMEOUT');
    await proxy.proxy.behave('work');
    expect((await probe.session.fetch(site.url)).status).toBe(200);
    clock.advance(3_000);
    await fill(pool, 2);
  });
});

describe("a provider's gateway", () => {
  let opened: Scene | undefined;
  afterEach(() => opened?.[Symbol.asyncDispose]());

  it('gives each session a word of its own, the same for life', async () => {
    await using site = await serve((_request, response) => response.end());
    const gateway = await proxyThat();
    opened = await scene('sqlite');
    const template = gateway.url.replace('user:', 'user-session-{session}:');
    const make = () => opened!.pool({ proxies: [template] });
    const first = make();
    await fill(first, 3);
    for (const { id } of await sessionsOf(first)) await first.fetch(site.url, { id });
    await first.close();
    const second = make();
    for (const { id } of await sessionsOf(second)) await second.fetch(site.url, { id });
    const words = gateway.proxy.asked.map(({ credentials }) => credentials);
    expect(new Set(words.slice(0, 3)).size).toBe(3);
    expect(words.slice(3)).toEqual(words.slice(0, 3));
    for (const word of words) expect(word).toMatch(/^user-session-[a-z0-9]{12}:SECRET$/);
    expect(Object.values((await second.stats()).proxies).map(({ sessions }) => sessions)).toEqual([3]);
  });

  it('rests only the session whose exit fails; where it refuses itself, it is quarantined', async () => {
    const gateway = await proxyThat(502);
    opened = await scene('memory');
    const pool = opened.pool({ proxies: [gateway.url.replace('user:', 'user-{session}:')] });
    const told = listen(pool, 'proxyQuarantined');
    await fill(pool, 3);
    const page = `https://127.0.0.1:${deadPort}/`;
    await failureOf(pool.fetch(page, { retries: 0 }));
    expect((await pool.stats()).sessions).toMatchObject({ resting: 1, ready: 2 });
    expect(told).toEqual([]);
    await gateway.proxy.behave(407);
    await failureOf(pool.fetch(page, { retries: 0 }));
    expect((await pool.stats()).sessions).toMatchObject({ resting: 3, ready: 0 });
    expect(told).toHaveLength(1);
  });
});
