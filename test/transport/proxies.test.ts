import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from './certificates.ts';
import { echo, failureOf, overEachTransport, type Seen, serve } from './helpers.ts';
import { httpProxy, socksProxy, type TestProxy } from './proxies.ts';

let certificate: ReturnType<typeof makeCertificate>;
beforeAll(() => {
  certificate = makeCertificate();
});

/** The echo over TLS. */
async function serveSecurely(): Promise<string> {
  const server = createServer(certificate, (request, response) => void echo(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

const proxies: [name: string, start: () => Promise<TestProxy>][] = [
  ['http', () => httpProxy()],
  ['https', () => httpProxy({ tls: certificate })],
  ['socks5', socksProxy],
];

overEachTransport(({ makeUser }) => {
  describe.each(proxies)('through %s', (_, start) => {
    const tls = { rejectUnauthorized: false };

    test('to a site in clear: cookies and redirects as without, and the proxy gets its password', async () => {
      const site = await serve((request, response) => {
        if (request.url === '/end') return void echo(request, response);
        response.writeHead(302, { location: '/end', 'set-cookie': 'a=1; Path=/' }).end();
      });
      const proxy = await start();
      const { fetch, cookies } = makeUser({ proxy: proxy.url, tls });
      const seen = (await (await fetch(site.origin)).json()) as Seen;
      expect([seen.headers.cookie, cookies.size]).toEqual(['a=1', 1]);
      expect(seen.headers['proxy-authorization']).toBeUndefined();
      expect(proxy.asked.length).toBeGreaterThan(0);
      for (const { credentials } of proxy.asked) expect(credentials).toBe('user:SECRET');
    });

    test('to a site over TLS: in a tunnel, by the site’s name', async () => {
      const origin = await serveSecurely();
      const proxy = await start();
      const { fetch } = makeUser({ proxy: proxy.url, tls });
      const body = 'x'.repeat(100_000);
      const seen = (await (await fetch(origin, { method: 'POST', body })).json()) as Seen;
      expect(seen.body).toHaveLength(100_000);
      const { host } = new URL(origin);
      expect(proxy.asked.map(({ what }) => what.replace('CONNECT ', ''))).toEqual([host]);
    });
  });

  const isNoConnection = { code: 'FETCH_CONNECT', phase: 'connect', neverSent: true };

  test.each([407, 502])('a tunnel refused with %i is a connection that never was', async (status) => {
    const proxy = await httpProxy({ refusesWith: status });
    const error = await failureOf(makeUser({ proxy: proxy.url }).fetch('https://localhost:9/?token=SECRET'));
    expect(error).toMatchObject(isNoConnection);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET');
  });

  test('a password that a forwarding proxy refuses is not the site’s answer', async () => {
    const proxy = await httpProxy({ refusesWith: 407 });
    const error = await failureOf(makeUser({ proxy: proxy.url }).fetch('http://127.0.0.1:9/'));
    expect(error).toMatchObject({ code: 'FETCH_CONNECT' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET');
  });

  test.each(['http', 'https', 'socks5'])('a dead %s proxy shows no password', async (scheme) => {
    const proxy = `${scheme}://user:SECRET@127.0.0.1:1`;
    for (const url of ['http://127.0.0.1:9/?t=SECRET', 'https://127.0.0.1:9/']) {
      const error = await failureOf(makeUser({ proxy }).fetch(url));
      expect(error).toMatchObject(isNoConnection);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET');
    }
  });
});
