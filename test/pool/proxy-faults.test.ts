import { describe, expect, it } from 'vitest';
import type { ProxyBehaviour } from '../../playground/servers/unreliable-proxy.ts';
import type { PoolEvents } from '../../src/index.ts';
import { proxies } from '../servers/index.ts';
import { httpProxy } from '../transport/proxies.ts';
import { scene, serve, sessionsOf } from './helpers.ts';
import { listen } from './proxy-helpers.ts';

describe.each(['undici', 'impit'] as const)('what a proxy does costs no session, over %s', (transport) => {
  /** The verdict of one fetch through this proxy, and what it cost. */
  async function visit(proxy: string, url: string, requestTimeoutMs = 20_000) {
    await using place = await scene('memory');
    const pool = place.pool({ proxies: [proxy], transport, retries: 0, requestTimeoutMs });
    const judged: PoolEvents['judged'][] = [];
    pool.on('judged', (event) => judged.push(event));
    const answer = await pool.fetch(url).catch((error: unknown) => error);
    const [session] = await sessionsOf(pool);
    const { errorScore, status } = session!;
    return { answer, verdicts: judged.map(({ verdict }) => verdict), errorScore, status };
  }
  const unhurt = { verdicts: ['proxy-failed'], errorScore: 0, status: 'usable' };

  it.each<ProxyBehaviour>(['refuse', 'close', 'reset', 'hang', 'drop-tunnels', 407, 403, 502])(
    '%s',
    async (behaviour) => {
      const proxy = await httpProxy({ behaviour });
      const answered = visit(proxy.url, 'https://localhost:9/', behaviour === 'hang' ? 200 : undefined);
      expect(await answered).toMatchObject(unhurt);
    },
  );

  it.each<ProxyBehaviour>(['refuse', 'close', 'reset', 407, 502])(
    '%s, to a site in clear',
    async (behaviour) => {
      await using site = await serve((_request, response) => response.end('a page'));
      const proxy = await httpProxy({ behaviour });
      expect(await visit(proxy.url, site.url)).toMatchObject(unhurt);
    },
  );

  it.skipIf(!proxies)('a site’s own 407 through a tunnel costs its proxy nothing', async () => {
    await using site = await serve((_request, response) => {
      response
        .writeHead(407, { 'proxy-authenticate': 'Basic', 'x-squid-error': 'ERR_ACCESS_DENIED 0' })
        .end();
    });
    const { url } = proxies!.microsocks;
    await using place = await scene('memory');
    const pool = place.pool({ proxies: [url], transport, retries: 0 });
    const quarantined = listen(pool, 'proxyQuarantined');
    expect((await pool.fetch(site.url)).status).toBe(407);
    expect((await pool.fetch(site.url)).status).toBe(407);
    expect(quarantined).toEqual([]);
  });

  it.skipIf(!proxies)('tinyproxy’s 401 for a wrong password is no block', async () => {
    await using site = await serve((_request, response) => response.end('a page'));
    const proxy = proxies!.tinyproxy.url.replace(/:[^:@]*@/, ':wrong@');
    expect(await visit(proxy, site.url)).toMatchObject(unhurt);
  });

  it.skipIf(!proxies)('a site’s own 403 and 502 are the site’s, through real proxies too', async () => {
    await using site = await serve((request, response) => {
      response.writeHead(Number(request.url!.slice(1)), { server: 'nginx' }).end('no');
    });
    for (const name of ['squid', 'tinyproxy', 'microsocks'] as const) {
      expect(await visit(proxies![name].url, `${site.url}/403`)).toMatchObject({ verdicts: ['blocked'] });
      expect(await visit(proxies![name].url, `${site.url}/502`)).toMatchObject({
        verdicts: ['failed'],
        errorScore: 1,
      });
    }
  });
});
