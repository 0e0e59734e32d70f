import { afterEach, describe, expect, it } from 'vitest';
import type { PoolEvents, SessionPool, SessionPoolOptions } from '../../src/index.ts';
import { httpProxy } from '../transport/proxies.ts';
import { deadPort, failureOf, type Scene, scene, serve, sessionsOf, storeKinds, until } from './helpers.ts';

/** What a pool told, in its order. */
function listen<Name extends keyof PoolEvents>(pool: SessionPool, name: Name): PoolEvents[Name][] {
  const told: PoolEvents[Name][] = [];
  pool.on(name, (event) => told.push(event));
  return told;
}

const proxyOfEach = async (pool: SessionPool): Promise<string[]> =>
  (await sessionsOf(pool)).map((session) => session.model.proxy!.url).sort();

/** Leases so many at once, so that as many sessions are made, and gives them back. */
async function fill(pool: SessionPool, count: number): Promise<void> {
  const leases = await Promise.all(Array.from({ length: count }, () => pool.acquire()));
  await Promise.all(leases.map((lease) => lease.release()));
}

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
    const good = await httpProxy();
    const dead = `http://user:SECRET@127.0.0.1:${await deadPort()}`;
    const pool = await poolOf({ proxies: [good.url, dead] });
    const told = listen(pool, 'proxyQuarantined');
    await fill(pool, 6);
    for (let page = 0; page < 12; page += 1) {
      const response = await pool.fetch(site.url);
      expect(await response.text()).toBe('a page');
    }
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ proxy: dead.replace('user:SECRET@', '') });
    expect(told[0]!.ms).toBeGreaterThanOrEqual(12_000);
    for (const session of await sessionsOf(pool)) expect(session.errorScore).toBe(0);
    const { proxies, sessions } = await pool.stats();
    expect(sessions.resting).toBe(3);
    expect(proxies[dead.replace('user:SECRET@', '')]).toMatchObject({ state: 'quarantined', failures: 1 });
    expect(JSON.stringify(proxies)).not.toContain('SECRET');
  });

  it('gets no new session; where all fail, whoever asks hears why', async () => {
    const dead = `http://user:SECRET@127.0.0.1:${await deadPort()}`;
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
