// Proxies as people run them, and what processes that share a server know of each other's.
import { describe, expect, it } from 'vitest';
import { SessionPool } from '../../src/index.ts';
import { proxies, redisUrl, uniqueName } from '../servers/index.ts';
import { scene, serve, sessionsOf } from './helpers.ts';
import { fill, listen, proxyThat } from './proxy-helpers.ts';

describe.skipIf(!proxies)('a pool behind squid, tinyproxy and a SOCKS server', () => {
  it('sends each session out by one address, in this process and in the next', async () => {
    const { squid, tinyproxy, microsocks } = proxies!;
    const exits = [squid.exitAddress, tinyproxy.exitAddress, microsocks.exitAddress].sort();
    const socks = microsocks.url.replace(/^http:/, 'socks5:');
    await using site = await serve((request, response) => response.end(request.socket.remoteAddress));
    await using place = await scene('sqlite');
    const seen = new Map<string, Set<string>>();
    for (const _process of [1, 2]) {
      const pool = place.pool({ proxies: [squid.url, tinyproxy.url, socks] });
      if (seen.size === 0) await fill(pool, 6);
      for (const { id } of await sessionsOf(pool)) {
        const addresses = seen.get(id) ?? new Set();
        seen.set(id, addresses.add(await (await pool.fetch(site.url, { id })).text()));
      }
      await pool.close();
    }
    expect([...seen.values()].map((addresses) => addresses.size)).toEqual([1, 1, 1, 1, 1, 1]);
    expect([...seen.values()].flatMap((addresses) => [...addresses]).sort()).toEqual(
      [...exits, ...exits].sort(),
    );
  });

  it.each(['refuse', 'close', 'reset', 'drop-tunnels', 'hang', 407, 502, 504] as const)(
    'gets its pages where another proxy would %s, and hurts nobody',
    async (behaviour) => {
      const bad = await proxyThat(behaviour);
      await using site = await serve((_request, response) => response.end('a page'));
      await using place = await scene('memory');
      const pool = place.pool({ proxies: [proxies!.squid.url, bad.url], requestTimeoutMs: 500 });
      const told = listen(pool, 'proxyQuarantined');
      await fill(pool, 4);
      for (let page = 0; page < 6; page += 1) {
        expect(await (await pool.fetch(site.url)).text()).toBe('a page');
      }
      expect(told.map(({ proxy }) => proxy)).toEqual([bad.address]);
      for (const session of await sessionsOf(pool)) expect(session.errorScore).toBe(0);
    },
  );
});

describe.skipIf(!redisUrl)('what workers of one Redis know of a proxy', () => {
  it('is the same: one finds it dead, the other sends it nothing, one tries it, both go on', async () => {
    const { proxy, url } = await proxyThat(407);
    await using site = await serve((_request, response) => response.end('a page'));
    const name = uniqueName();
    const open = () =>
      new SessionPool({
        store: `${redisUrl}?pool=${name}`,
        proxies: [url],
        timeoutMs: 60_000,
      });
    await using first = open();
    await using second = open();
    await fill(first, 2);
    await first.fetch(site.url, { retries: 0 }).catch(() => {});
    const waiting = Promise.all([first.fetch(site.url), second.fetch(site.url)]);
    await proxy.behave('work');
    const pages = await waiting;
    expect(pages.map(({ status }) => status)).toEqual([200, 200]);
    // The one that failed, the one that tried, and the other.
    expect(proxy.asked.length).toBe(3);
  }, 60_000);
});
