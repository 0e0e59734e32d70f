import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UndiciTransport } from '../../src/transport/undici.ts';
import { failureOf } from '../pool/helpers.ts';

/** What a server does with what it hears; the first time `count` is 0. */
type Act = (socket: Socket, heard: Buffer, count: number) => unknown;

/** Neither a proxy nor a friend. Counts the connections that it is given. */
async function hostile(act: Act) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    let count = 0;
    socket.on('error', () => {}).on('data', (heard) => act(socket, heard, count++));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

/** Writes without end, until it is hung up on. */
function flood(socket: Socket, begin: string, more: string): void {
  socket.write(begin);
  const timer = setInterval(() => socket.write(more.repeat(50)), 1);
  socket.on('close', () => clearInterval(timer));
}

const first =
  (answer: string | Buffer): Act =>
  (socket, _heard, count) =>
    count === 0 && socket.write(answer);

const httpProxies: Record<string, Act> = {
  'no HTTP': first('lkj\0\xff\r\n\r\n'),
  'HTTP/0.9': (socket) => socket.end('<html>a page</html>'),
  'an impossible status': first('HTTP/1.1 999999 no\r\n\r\n'),
  'a negative length': first('HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n'),
  'a page in the place of a tunnel': first('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\na page'),
  'headers without end': (socket, _heard, count) =>
    count === 0 && flood(socket, 'HTTP/1.1 200 OK\r\n', `x: ${'y'.repeat(900)}\r\n`),
  'one header without end': (socket, _heard, count) =>
    count === 0 && flood(socket, 'HTTP/1.1 200 OK\r\nx: ', 'y'.repeat(900)),
  'one 100 after the other': (socket, _heard, count) =>
    count === 0 && flood(socket, '', 'HTTP/1.1 100 Continue\r\n\r\n'),
  'an echo': (socket, heard) => socket.write(heard),
  'an echo in a header': (socket, heard, count) =>
    count === 0 && socket.write(`HTTP/1.1 502 ${heard.toString('latin1').replace(/[\r\n]/g, ' ')}\r\n\r\n`),
  'a tunnel that is reset': (socket, _heard, count) =>
    count === 0
      ? socket.write('HTTP/1.1 200 OK\r\n\r\n', () => setTimeout(() => socket.resetAndDestroy(), 5))
      : 0,
};
const socksProxies: Record<string, Act> = {
  'no SOCKS': first('HTTP/1.1 200 OK\r\n\r\n'),
  'half an answer': first(Buffer.from([5])),
  'an echo': (socket, heard) => socket.write(heard),
  'more than it was asked for': (socket, _heard, count) =>
    socket.write(Buffer.from(count === 0 ? [5, 0] : [5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 65, 66, 67])),
  'a name that never ends': (socket, _heard, count) =>
    socket.write(Buffer.from(count === 0 ? [5, 0] : [5, 0, 0, 3, 255, 1])),
  'a tunnel that is reset': (socket, _heard, count) =>
    count === 0
      ? socket.write(Buffer.from([5, 0]))
      : socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), () => socket.resetAndDestroy()),
};

describe.each(['http', 'https'])('to a site by %s, a proxy that answers with', (site) => {
  describe.each([
    ['http', httpProxies],
    ['socks5', socksProxies],
  ] as const)('%s:', (scheme, proxies) => {
    test.each(Object.entries(proxies))(
      '%s',
      async (_name, act) => {
        const server = await hostile(act);
        const transport = new UndiciTransport({
          proxy: `${scheme}://user:SECRET@127.0.0.1:${server.port}`,
          ...{ connectTimeoutMs: 400, headersTimeoutMs: 400, bodyTimeoutMs: 400 },
        });
        const url = new URL(`${site}://localhost:9/`);
        const sent = transport.send({ method: 'GET', url, headers: [], body: null });
        const error = await failureOf(sent).finally(() => transport.close());
        expect(error.name).toBe('TypeError');
        expect(error.proxyFault).toMatch(/^(gateway|exit)$/);
        // Whoever answers with nonsense is not asked again and again: once, and once more to see whose fault it was.
        expect(server.connections()).toBeLessThanOrEqual(2);
        const shown = inspect(error, { depth: 20, showHidden: true });
        expect(shown).not.toMatch(/SECRET|dXNlcjpTRUNSRVQ|53 45 43 52 45 54/);
      },
      8_000,
    );
  });
});

test('a page in the place of a tunnel says nothing of the site, in TLS neither', async () => {
  const server = await hostile((socket, _heard, count) =>
    socket.write(count === 0 ? 'HTTP/1.1 200 OK\r\n\r\n' : '<html>no TLS</html>'),
  );
  const transport = new UndiciTransport({ proxy: `http://127.0.0.1:${server.port}` });
  const url = new URL('https://localhost:9/');
  const error = await failureOf(transport.send({ method: 'GET', url, headers: [], body: null }));
  expect(error).toMatchObject({ code: 'FETCH_CONNECT', proxyFault: 'exit' });
  await transport.close();
});

test('a tunnel in which no TLS comes ends in time', async () => {
  const server = await hostile(first('HTTP/1.1 200 OK\r\n\r\n'));
  const proxy = `http://127.0.0.1:${server.port}`;
  const transport = new UndiciTransport({ proxy, connectTimeoutMs: 300 });
  const url = new URL('https://localhost:9/');
  const error = await failureOf(transport.send({ method: 'GET', url, headers: [], body: null }));
  expect(error).toMatchObject({ code: 'FETCH_TIMEOUT', phase: 'connect', proxyFault: 'exit' });
  await transport.close();
});
