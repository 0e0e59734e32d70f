import { writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProxyRecord, SessionPool, SessionPoolOptions } from '../../src/index.ts';
import { SessionPool as Pool } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/index.ts';
import { failureOf, type Scene, scene, serve, sessionsOf, until } from './helpers.ts';
import { fill, listen, proxyOfEach, proxyThat } from './proxy-helpers.ts';

let opened: Scene | undefined;
afterEach(async () => {
  await opened?.[Symbol.asyncDispose]();
  opened = undefined;
});
const open = async (...how: Parameters<typeof scene>): Promise<Scene> => {
  opened = await scene(...how);
  return opened;
};
const one = 'http://u:SECRET@127.0.0.1:8001';
const two = 'http://u:SECRET@127.0.0.1:8002';

describe('sessions of one proxy', () => {
  it('outlive a file that is just being written anew', async () => {
    const place = await open('sqlite');
    const file = `${place.file}.txt`;
    await writeFile(file, `${one}\n${two}\n`);
    const pool = place.pool({ proxies: file, proxyRefreshMs: 1_000 });
    await fill(pool, 2);
    const end = performance.now() + 1_800;
    // Half of it, for as long as the writer takes.
    while (performance.now() < end) {
      await writeFile(file, `${one}\n`);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    await writeFile(file, `${one}\n${two}\n`);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect((await sessionsOf(pool)).map(({ status }) => status)).toEqual(['usable', 'usable']);
  });

  it('are chosen among 100 000 proxies as quickly as among few', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `http://u${i}:SECRET@127.0.0.1:1`);
    const pool = (await open('memory')).pool({ proxies: async () => many, maxPoolSize: 200 });
    await (await pool.acquire()).release();
    const begin = performance.now();
    await fill(pool, 100);
    // Looking at all of them for each session takes 5 s.
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(new Set(await proxyOfEach(pool)).size).toBeGreaterThan(90);
  });

  it('are never more than maxSessionsPerProxy, in four processes that make them at once', async () => {
    const place = await open('sqlite');
    const pools = [1, 2, 3, 4].map(() =>
      place.pool({ proxies: [one, two], maxSessionsPerProxy: 3, timeoutMs: 1_000 }),
    );
    const asked = pools.flatMap((pool) => Array.from({ length: 4 }, () => pool.acquire()));
    const leases = (await Promise.allSettled(asked)).flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    expect(leases).toHaveLength(6);
    expect(await proxyOfEach(pools[0]!)).toEqual([one, one, one, two, two, two]);
    const error = await failureOf(pools[1]!.acquire({ timeoutMs: 10 }));
    expect(error.code).toBe('ACQUIRE_TIMEOUT');
    expect(error.message).toContain('2 of 2 proxies with as many sessions as they may have');
    await Promise.all(leases.map((lease) => lease.release()));
  });

  it.each(['sqlite', 'memory'] as const)(
    'are no more than that when they are added, either (%s)',
    async (kind) => {
      const pool = (await open(kind)).pool({ proxies: [one, two], maxSessionsPerProxy: 2 });
      await pool.add([{ proxy: one }, { proxy: two }]);
      const error = await failureOf(pool.add([{ proxy: two }, { proxy: one }, { proxy: one, id: 'third' }]));
      expect(error).toMatchObject({ name: 'StoreError', code: 'PROXY_FULL' });
      expect(error.message).toBe(
        'the proxy http://127.0.0.1:8001 has no room for session third (maxSessionsPerProxy 2); none was added',
      );
      expect(await proxyOfEach(pool)).toEqual([one, two]);
      // Of one that is not in the list nobody said how many it bears.
      const other = 'http://127.0.0.1:8003';
      await pool.add([{ proxy: other }, { proxy: other }, { proxy: other }, {}]);
      expect((await pool.stats()).sessions.usable).toBe(6);
    },
  );

  it('make room when one dies', async () => {
    const pool = (await open('memory')).pool({ proxies: [one], maxSessionsPerProxy: 1 });
    const lease = await pool.acquire();
    const waiting = pool.acquire();
    lease.session.retire();
    await lease.release();
    const next = await waiting;
    expect(next.session.id).not.toBe(lease.session.id);
    await next.release();
  });

  it('are at work at most maxConcurrentPerProxy at once', async () => {
    const pool = (await open('memory')).pool({ proxies: [one, two], maxConcurrentPerProxy: 2 });
    await fill(pool, 4);
    let most = 0;
    const atWork = new Map<string, number>();
    await Promise.all(
      Array.from({ length: 30 }, () =>
        pool.run(async (session) => {
          const { url } = session.proxy!;
          atWork.set(url, (atWork.get(url) ?? 0) + 1);
          most = Math.max(most, atWork.get(url)!);
          await new Promise((resolve) => setTimeout(resolve, 10));
          atWork.set(url, atWork.get(url)! - 1);
        }),
      ),
    );
    expect(most).toBe(2);
  });

  it('wait, and not for ever, where more sessions are free than may work at once', async () => {
    const pool = (await open('sqlite')).pool({ proxies: [one] });
    await fill(pool, 20);
    await pool.close();
    const narrow = opened!.pool({ proxies: [one], maxConcurrentPerProxy: 1, timeoutMs: 300 });
    const held = await narrow.acquire();
    expect((await failureOf(narrow.acquire())).code).toBe('ACQUIRE_TIMEOUT');
    const next = narrow.acquire({ timeoutMs: 5_000 });
    await held.release();
    await (await next).release();
  });
});

describe('a proxy with an id', () => {
  it('may change its password: its sessions use the new one, and stay its own', async () => {
    await using site = await serve((_request, response) => response.end());
    const proxy = await proxyThat();
    const place = await open('sqlite');
    const first = place.pool({ proxies: [{ id: 'p', url: proxy.url }] });
    await first.fetch(site.url);
    await first.close();
    const url = proxy.url.replace('SECRET', 'NEWSECRET');
    const second = place.pool({ proxies: [{ id: 'p', url }] });
    await second.fetch(site.url);
    expect(proxy.proxy.asked.map(({ credentials }) => credentials)).toEqual([
      'user:SECRET',
      'user:NEWSECRET',
    ]);
    expect(await proxyOfEach(second)).toEqual([url]);
  });

  it('may change it while the pool runs', async () => {
    await using site = await serve((_request, response) => response.end());
    const proxy = await proxyThat();
    let url = proxy.url;
    const pool = (await open('memory')).pool({
      proxies: async () => [{ id: 'p', url }],
      proxyRefreshMs: 1_000,
      session: { maxUsageCount: null },
    });
    await pool.fetch(site.url);
    url = proxy.url.replace('SECRET', 'NEWSECRET');
    await until(async () => {
      await pool.fetch(site.url);
      return proxy.proxy.asked.at(-1)!.credentials === 'user:NEWSECRET';
    }, 'the new password is used');
    expect(await sessionsOf(pool)).toHaveLength(1);
  });
});

describe('a proxy that is gone from the list', () => {
  /** Sessions of a first process, and a second one that has another list. */
  const restarted = async (
    before: ProxyRecord[],
    after: ProxyRecord[],
    options: SessionPoolOptions = {},
  ): Promise<{ first: string; second: SessionPool }> => {
    const clock = fakeClock();
    const place = await open('sqlite', clock);
    const pool = place.pool({ proxies: before });
    await fill(pool, 1);
    const { id } = (await sessionsOf(pool))[0]!;
    await pool.close();
    clock.advance(1_000);
    return { first: id, second: place.pool({ proxies: after, ...options }) };
  };

  it('takes its sessions with it', async () => {
    const { first, second } = await restarted([{ url: one }], [{ url: two }]);
    await using lease = await second.acquire();
    expect(lease.session.id).not.toBe(first);
    expect(lease.session.proxy!.url).toBe(two);
    expect(await second.get(first)).toMatchObject({ status: 'retired', reason: 'its proxy is gone' });
  });

  it.each(['sqlite', 'memory'] as const)(
    'tells of those that are retired at their lease, and logs them out (%s)',
    async (kind) => {
      const clock = fakeClock();
      const place = await open(kind, clock);
      const before = place.pool({ proxies: [one] });
      await fill(before, 1);
      const { id } = (await sessionsOf(before))[0]!;
      clock.advance(1_000);
      const loggedOut: string[] = [];
      const second = place.pool({
        proxies: [two],
        onRetire: (session, reason) => {
          loggedOut.push(`${session.id} ${session.status}: ${reason}`);
        },
      });
      const retired = listen(second, 'retired');
      await fill(second, 1);
      expect(retired).toEqual([{ sessionId: id, reason: 'its proxy is gone', evidence: '' }]);
      await second.close();
      expect(loggedOut).toEqual([`${id} retired: its proxy is gone`]);
    },
  );

  it('tells of those that an order reaches, in the one of two processes whose order it was', async () => {
    const place = await open('sqlite');
    let list = [one, two];
    const loggedOut: string[] = [];
    const onRetire = (session: { id: string }) => {
      loggedOut.push(session.id);
    };
    const pools = [1, 2].map(() =>
      place.pool({ proxies: async () => list, proxyRefreshMs: 1_000, onRetire }),
    );
    const retired = pools.map((pool) => listen(pool, 'retired'));
    await fill(pools[0]!, 6);
    await pools[1]!.stats();
    const doomed = (await sessionsOf(pools[0]!))
      .filter(({ model }) => model.proxy!.url === one)
      .map(({ id }) => id);
    expect(doomed).toHaveLength(3);
    const lease = await pools[1]!.acquire({ id: doomed[0]! });
    list = [two];
    await until(async () => (await pools[0]!.stats()).sessions.dead === 2, 'the free ones are retired');
    await lease.release();
    await until(() => loggedOut.length === 3, 'all are logged out');
    expect(loggedOut.sort()).toEqual(doomed);
    expect([...new Set(retired.flat().map(({ sessionId }) => sessionId))].sort()).toEqual(doomed);
  });

  it("leaves them to another of its country, with 'rebind': same user, same tag as the other's", async () => {
    const { first, second } = await restarted(
      [{ url: one, country: 'DE' }],
      [
        { url: 'http://127.0.0.1:8003', country: 'FR' },
        { url: two, country: 'DE' },
      ],
      { onProxyGone: 'rebind' },
    );
    const lease = await second.acquire();
    expect(lease.session.id).toBe(first);
    expect(lease.session.proxy).toMatchObject({ url: two, country: 'DE', rotation: 1 });
    await lease.release();
    expect((await second.get(first))!.model.proxy).toMatchObject({ url: two });
    expect((await second.stats()).proxies['http://127.0.0.1:8002']).toMatchObject({ sessions: 1 });
    await using again = await second.acquire();
    expect(again.session.proxy).toMatchObject({ url: two, rotation: 1 });
  });

  it("with 'rebind' and no other of its country, the session waits, and lives", async () => {
    const { first, second } = await restarted([{ url: one, country: 'DE' }], [{ url: two, country: 'FR' }], {
      onProxyGone: 'rebind',
      maxPoolSize: 1,
      timeoutMs: 100,
    });
    expect((await failureOf(second.acquire())).code).toBe('ACQUIRE_TIMEOUT');
    expect(await second.get(first)).toMatchObject({ status: 'usable', state: 'resting' });
  });

  it('retires those of a running pool, too', async () => {
    let list = [one, two];
    const pool = (await open('memory')).pool({ proxies: async () => list, proxyRefreshMs: 1_000 });
    await fill(pool, 2);
    list = [two];
    await until(async () => (await pool.stats()).sessions.dead === 1, 'it is retired');
    expect((await pool.stats()).retirements).toEqual({ 'its proxy is gone': 1 });
  });

  it('is none that another worker has from a newer list', async () => {
    const clock = fakeClock();
    const place = await open('sqlite', clock);
    const old = place.pool({ proxies: [one] });
    await old.stats();
    clock.advance(1_000);
    const renewed = place.pool({ proxies: [two] });
    await fill(renewed, 1);
    await using lease = await old.acquire();
    expect(lease.session.proxy!.url).toBe(two);
  });

  it('is none that a session brought along', async () => {
    const pool = (await open('memory')).pool({ proxies: [one], create: false });
    const own = 'http://own:SECRET@127.0.0.1:9000';
    await pool.add({ id: 'ada', proxy: own });
    await using lease = await pool.acquire();
    expect(lease.session.proxy).toEqual({ url: own });
  });
});

describe('a source of proxies', () => {
  it('and onCreate may name a proxy in their errors: nothing of ours repeats its password', async () => {
    const told: unknown[] = [];
    const fails = () => {
      throw new Error(`cannot use ${one}`);
    };
    const sourceless = (await open('memory')).pool({ proxies: fails, timeoutMs: 100 });
    const pool = opened!.pool({ onCreate: fails, maxCreateFailures: 1 });
    for (const name of ['proxySourceFailed', 'creationPaused', 'error'] as const)
      for (const each of [sourceless, pool]) each.on(name, (event) => told.push(name, event));
    told.push(await failureOf(sourceless.acquire()), await failureOf(pool.acquire()));
    expect(told).toEqual(expect.arrayContaining(['proxySourceFailed', 'creationPaused']));
    const shown = inspect(told, { depth: 9, showHidden: true });
    expect(shown.match(/cannot use http:\/\/…@127\.0\.0\.1:8001/g)!.length).toBeGreaterThan(3);
    expect(shown).not.toContain('SECRET');
  });

  it('that fails or comes back empty keeps the last list, and says so', async () => {
    const answers: (() => ProxyRecord[])[] = [
      () => [{ url: one }],
      () => {
        throw new Error('the service is away');
      },
      () => [],
    ];
    let asked = 0;
    const pool = (await open('memory')).pool({
      proxies: async () => answers[Math.min(asked++, answers.length - 1)]!(),
      proxyRefreshMs: 1_000,
    });
    const told = listen(pool, 'proxySourceFailed');
    await fill(pool, 1);
    await until(() => told.length === 2, 'both failures are told');
    expect(told.map(({ kept, error }) => [kept, (error as Error).message])).toEqual([
      [1, 'the service is away'],
      [1, 'proxies: there is no proxy in it'],
    ]);
    await fill(pool, 2);
    expect(await proxyOfEach(pool)).toEqual([one, one]);
  });

  it('that has given none yet is waited for, and asked again', async () => {
    let asked = 0;
    const pool = (await open('memory')).pool({
      proxies: () => {
        asked += 1;
        if (asked === 1) throw new Error('not yet');
        return [one];
      },
    });
    const hasty = await failureOf(pool.acquire({ timeoutMs: 50 }));
    expect(hasty.code).toBe('ACQUIRE_TIMEOUT');
    expect(hasty.message).toContain('no proxies, for their source has given none: not yet');
    await using lease = await pool.acquire();
    expect(lease.session.proxy!.url).toBe(one);
  });

  it('may be a file, read again while the pool runs; a mistake in it changes nothing', async () => {
    const place = await open('sqlite');
    const file = `${place.file}.proxies.txt`;
    await writeFile(file, `# mine\n${one} DE\n`);
    const pool = place.pool({ proxies: file, proxyRefreshMs: 1_000 });
    const told = listen(pool, 'proxySourceFailed');
    await fill(pool, 1);
    await writeFile(file, `${one} DE\nhttp//u:SECRET@host\n`);
    await until(() => told.length > 0, 'the mistake is told');
    const { error, kept } = told[0]!;
    expect(kept).toBe(1);
    expect((error as Error).message).toContain(`${file}, line 2`);
    expect(inspect(error)).not.toContain('SECRET');
    await writeFile(file, `${one} DE\n127.0.0.1:8002:u:SECRET FR\n`);
    await until(async () => Object.keys((await pool.stats()).proxies).length === 2, 'it is read again');
    await using lease = await pool.acquire();
    expect(lease.session.proxy).toMatchObject({ country: 'DE' });
  });

  it('that is a file which is not there is an error at once, and read when it is', async () => {
    const place = await open('sqlite');
    const file = `${place.file}.proxies.txt`;
    const pool = place.pool({ proxies: file });
    const error = await failureOf(pool.acquire());
    expect(error.message).toBe(`option "proxies": the file ${file} cannot be read (ENOENT)`);
    await writeFile(file, one);
    await using lease = await pool.acquire();
    expect(lease.session.proxy!.url).toBe(one);
  });

  const wrong: [options: SessionPoolOptions, message: string][] = [
    [{ proxies: [one, 'u:SECRET@host'] }, 'proxies.1: a proxy must be a URL'],
    [{ proxies: [] }, 'proxies: there is no proxy in it'],
    [{ proxies: [one, one] }, 'proxies.1 is the same proxy as proxies.0'],
    [{ proxies: [one], session: { proxy: two } }, 'give one of the two'],
    [{ proxies: 7 as never }, 'option "proxies" must be'],
    [{ onProxyGone: 'replace' as never }, 'option "onProxyGone" must be one of "retire", "rebind"'],
  ];
  it.each(wrong)('that is wrong is refused by name: %#', (options, message) => {
    const attempt = () => new Pool(options);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/SECRET/);
  });
});
