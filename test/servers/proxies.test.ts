import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMicrosocks } from '../../playground/servers/microsocks.ts';
import { startSquid } from '../../playground/servers/squid.ts';
import { startTinyproxy } from '../../playground/servers/tinyproxy.ts';
import {
  PASSED_BYTES,
  type ProxyBehaviour,
  startUnreliableProxy,
} from '../../playground/servers/unreliable-proxy.ts';
import { proxies } from './index.ts';
import { expectLifecycle } from './lifecycle.ts';

/** Says who came, and as much more as is asked for. */
const site = createServer((incoming, answer) =>
  answer.end(incoming.socket.remoteAddress! + 'x'.repeat(Number(incoming.url!.slice(1)))),
);
let origin: URL;
beforeAll(async () => {
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  origin = new URL(`http://127.0.0.1:${(site.address() as AddressInfo).port}`);
});
afterAll(() => {
  site.closeAllConnections();
  site.close();
});

/** What a client of a proxy gets: a status and a body, or the code of an error. */
function ask(proxyUrl: string, way: 'forward' | 'tunnel', bytes = 0): Promise<unknown> {
  const proxy = new URL(proxyUrl);
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const headers = { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
  const to = { host: proxy.hostname, port: proxy.port, agent: false as const, timeout: 500 };
  return new Promise((resolve) => {
    const read = (answer: IncomingMessage) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      answer.on('error', () => resolve({ status: answer.statusCode, cutAfter: body.length }));
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    };
    const path = `/${bytes}`;
    const asked =
      way === 'forward'
        ? request(
            { ...to, path: new URL(path, origin).href, headers: { ...headers, host: origin.host } },
            read,
          )
        : request({ ...to, method: 'CONNECT', path: origin.host, headers });
    asked.on('connect', (answer, socket) => {
      if (answer.statusCode !== 200) return resolve({ status: answer.statusCode });
      const inner = request({ createConnection: () => socket, path, headers: { connection: 'close' } }, read);
      inner.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code)).end();
    });
    asked.on('timeout', () => resolve('nothing came'));
    asked.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code)).end();
  });
}

describe.skipIf(!proxies)('real proxies', () => {
  it.each([
    ['squid', startSquid],
    ['tinyproxy', startTinyproxy],
    ['microsocks', startMicrosocks],
  ])('%s is started again on the same port after kill -9, and gone after close', async (_name, start) => {
    const server = await start({ credentials: { user: 'ann', password: 'secret' } });
    await expectLifecycle(server);
  });

  it.each(['squid', 'tinyproxy'] as const)(
    '%s wants its password, and sites see its address',
    async (name) => {
      const { url, exitAddress } = proxies![name];
      for (const way of ['forward', 'tunnel'] as const) {
        expect(await ask(url, way)).toEqual({ status: 200, body: exitAddress });
        const stranger = url.replace(/:[^:@]*@/, ':wrong@');
        expect(await ask(stranger, way)).toMatchObject({ status: name === 'squid' ? 407 : 401 });
      }
    },
  );

  it('squid as it is packaged tunnels to 443 alone', async () => {
    await using server = await startSquid({ tunnelPorts: [443], exitAddress: '127.0.1.9' });
    expect(await ask(server.url, 'tunnel')).toMatchObject({ status: 403 });
    expect(await ask(server.url, 'forward')).toEqual({ status: 200, body: '127.0.1.9' });
  });
});

describe('the unreliable proxy', () => {
  const exitAddress = '127.0.2.1';
  const works = { status: 200, body: exitAddress };

  it.each<[ProxyBehaviour, forwarded: unknown, tunnelled: unknown]>([
    ['work', works, works],
    ['refuse', 'ECONNREFUSED', 'ECONNREFUSED'],
    ['close', 'ECONNRESET', 'ECONNRESET'],
    ['reset', 'ECONNRESET', 'ECONNRESET'],
    ['hang', 'nothing came', 'nothing came'],
    [407, { status: 407, body: 'refused' }, { status: 407 }],
    [502, { status: 502, body: 'refused' }, { status: 502 }],
    ['no-tunnels', works, { status: 403 }],
    ['drop-tunnels', works, 'ECONNRESET'],
  ])('%s, and works again', async (behaviour, forwarded, tunnelled) => {
    await using proxy = await startUnreliableProxy({ behaviour, exitAddress });
    expect(await ask(proxy.url, 'forward')).toEqual(forwarded);
    expect(await ask(proxy.url, 'tunnel')).toEqual(tunnelled);
    const { port, connections } = proxy;
    expect(connections).toBe(behaviour === 'refuse' ? 0 : 2);
    await proxy.behave('work');
    expect(await ask(proxy.url, 'forward')).toEqual(works);
    expect(proxy.port).toBe(port);
  });

  it('resets in the middle of an answer', async () => {
    await using proxy = await startUnreliableProxy({ behaviour: 'reset-body' });
    expect(await ask(proxy.url, 'forward', 100_000)).toEqual({ status: 200, cutAfter: PASSED_BYTES });
    expect(await ask(proxy.url, 'tunnel', 100_000)).toMatchObject({
      status: 200,
      cutAfter: expect.any(Number),
    });
  });

  it('wants its credentials, and notes what it was asked', async () => {
    const credentials = { user: 'ann', password: 'p/w%' };
    await using proxy = await startUnreliableProxy({ credentials, routes: { 'shop.example': '127.0.0.1' } });
    expect(await ask(proxy.url, 'tunnel')).toMatchObject({ status: 200 });
    expect(await ask(proxy.url.replace('ann', 'bob'), 'forward')).toMatchObject({ status: 407 });
    expect(proxy.asked).toMatchObject([
      { what: `CONNECT ${origin.host}`, credentials: 'ann:p/w%' },
      { what: `GET ${origin.href}0`, credentials: 'bob:p/w%' },
    ]);
  });
});
