import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { proxyAddressOf } from '../../src/transport/proxy-address.ts';
import { openSocksTunnel } from '../../src/transport/socks-tunnel.ts';
import { failureOf } from './helpers.ts';

/** A server that says these bytes in turn, each after something came, and notes what came. */
async function serverThatSays(...answers: number[][]) {
  const heard: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    let next = 0;
    socket.on('data', (bytes) => {
      heard.push(bytes);
      if (next < answers.length) socket.write(Buffer.from(answers[next++]!));
      else socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { heard, proxy: proxyAddressOf(`socks5://ann:p%2Fw@127.0.0.1:${port}`) };
}

const CONNECTED = [5, 0, 0, 1, 127, 0, 0, 1, 0, 80];
const open = (proxy: ReturnType<typeof proxyAddressOf>, host: string) =>
  openSocksTunnel(proxy, { host, port: 443 }, { signal: AbortSignal.timeout(5_000) });

test.each([
  ['shop.example', [3, 12, ...Buffer.from('shop.example')]],
  ['192.0.2.7', [1, 192, 0, 2, 7]],
  ['2001:db8::ff', [4, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]],
  ['::1', [4, ...Array<number>(15).fill(0), 1]],
  ['::ffff:192.0.2.7', [4, ...Array<number>(10).fill(0), 255, 255, 192, 0, 2, 7]],
])('asks for %s as RFC 1928 says, after its decoded password', async (host, address) => {
  const { heard, proxy } = await serverThatSays([5, 2], [1, 0], CONNECTED);
  (await open(proxy, host)).destroy();
  expect([...heard[1]!]).toEqual([1, 3, ...Buffer.from('ann'), 3, ...Buffer.from('p/w')]);
  expect([...heard[2]!]).toEqual([5, 1, 0, ...address, 443 >> 8, 443 & 255]);
});

test('leaves what comes after its answer to whom it gives the tunnel', async () => {
  const { proxy } = await serverThatSays([5, 0], [5, 0, 0, 3, 2, 120, 121, 0, 80, ...Buffer.from('hello')]);
  const socket = await open(proxy, 'shop.example');
  onTestFinished(() => void socket.destroy());
  expect(String((await once(socket, 'data'))[0])).toBe('hello');
});

test.each([
  ['not SOCKS', [[72, 84]], 'gateway', 'does not speak SOCKS5'],
  ['no way in', [[5, 255]], 'gateway', 'wants other credentials'],
  [
    'a refused password',
    [
      [5, 2],
      [1, 1],
    ],
    'gateway',
    'refused the credentials',
  ],
  [
    'a site that refuses',
    [
      [5, 0],
      [5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    'exit',
    'connection refused',
  ],
  [
    'a command it does not know',
    [
      [5, 0],
      [5, 7, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    'gateway',
    'command not supported',
  ],
  ['an answer that is cut short', [[5, 0]], 'gateway', 'did not answer'],
] as const)('says whose fault it was: %s', async (_name, answers, fault, words) => {
  const { proxy } = await serverThatSays(...answers.map((bytes) => [...bytes]));
  const failure = failureOf(
    openSocksTunnel(proxy, { host: 'x', port: 1 }, { signal: AbortSignal.timeout(500) }),
  );
  expect(await failure).toMatchObject({
    name: 'ProxyFailure',
    fault,
  });
  expect(String(await failure)).toContain(words);
});
