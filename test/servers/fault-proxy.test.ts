import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../../playground/servers/fault-proxy.ts';

/** A server that says back what it hears, and remembers it. */
async function startEcho() {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard.push(String(bytes));
      socket.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { host: '127.0.0.1', port, heard, close };
}

/** A client: what it heard, and the code of the error it ended with. */
async function client(proxy: FaultProxy) {
  const socket = connect(proxy.port, proxy.host);
  const end = Promise.withResolvers<string>();
  let heard = '';
  socket.on('data', (bytes) => {
    heard += bytes;
  });
  socket.on('error', (error) => end.resolve((error as NodeJS.ErrnoException).code ?? ''));
  socket.on('close', () => end.resolve('closed'));
  await Promise.race([once(socket, 'connect'), end.promise]);
  const hears = async (text: string) => {
    while (heard !== text) await once(socket, 'data');
    heard = '';
  };
  return { socket, end: end.promise, hears, heard: () => heard };
}

describe('the fault proxy', () => {
  let echo: Awaited<ReturnType<typeof startEcho>>;
  let proxy: FaultProxy;
  beforeEach(async () => {
    echo = await startEcho();
    proxy = await startFaultProxy(echo);
  });
  afterEach(async () => {
    await proxy.close();
    await proxy.close();
    echo.close();
  });

  it('forwards both ways, passes an end on, and counts', async () => {
    const one = await client(proxy);
    one.socket.write('hello');
    await one.hears('hello');
    expect(proxy.counts).toMatchObject({ accepted: 1, open: 1, bytesUp: 5, bytesDown: 5, cut: 0 });
    one.socket.end();
    expect(await one.end).toBe('closed');
    await expect.poll(() => proxy.counts.open).toBe(0);
    expect(proxy.through('redis://:pw@somewhere:1/2?pool=a')).toBe(
      `redis://:pw@127.0.0.1:${proxy.port}/2?pool=a`,
    );
  });

  it('cuts: open connections are reset, new ones are sound', async () => {
    const one = await client(proxy);
    expect(proxy.cut()).toBe(1);
    expect(await one.end).toBe('ECONNRESET');
    const other = await client(proxy);
    other.socket.write('again');
    await other.hears('again');
    expect(proxy.counts).toMatchObject({ accepted: 2, cut: 1 });
  });

  it('refuses new connections, and keeps the open ones', async () => {
    const one = await client(proxy);
    proxy.refuse();
    const refused = await client(proxy);
    expect(await refused.end).toBe('ECONNRESET');
    one.socket.write('still here');
    await one.hears('still here');
    proxy.accept();
    const other = await client(proxy);
    other.socket.write('welcome');
    await other.hears('welcome');
    expect(proxy.counts).toMatchObject({ accepted: 2, refused: 1 });
  });

  it('delays each direction for itself', async () => {
    const one = await client(proxy);
    proxy.delay(60, 'up');
    let since = performance.now();
    one.socket.write('slow');
    await one.hears('slow');
    expect(performance.now() - since).toBeGreaterThanOrEqual(59);
    proxy.delay(60);
    since = performance.now();
    one.socket.write('slower');
    await one.hears('slower');
    expect(performance.now() - since).toBeGreaterThanOrEqual(119);
  });

  it('stalls without closing, in order, and what was held back arrives afterwards', async () => {
    const one = await client(proxy);
    proxy.stall('down');
    one.socket.write('a');
    await expect.poll(() => echo.heard).toEqual(['a']);
    proxy.stall();
    one.socket.write('b');
    await sleep(50);
    expect([echo.heard, one.heard()]).toEqual([['a'], '']);
    proxy.flow();
    await one.hears('ab');
  });

  it('limits the bytes a second', async () => {
    const one = await client(proxy);
    proxy.limit(10_000);
    const since = performance.now();
    one.socket.write('x'.repeat(2_000));
    await one.hears('x'.repeat(2_000));
    // 200 ms up, and the answer follows a portion behind.
    expect(performance.now() - since).toBeGreaterThanOrEqual(180);
  });

  it('loses the answer: the server heard the request, its client only a reset', async () => {
    const one = await client(proxy);
    one.socket.write('first');
    await one.hears('first');
    proxy.loseAnswers();
    one.socket.write('second');
    expect(await one.end).toBe('ECONNRESET');
    expect([echo.heard, one.heard()]).toEqual([['first', 'second'], '']);
    expect(proxy.counts).toMatchObject({ answersLost: 1, cut: 1 });
    const other = await client(proxy);
    other.socket.write('sound');
    await other.hears('sound');
  });

  it('loses the answer to the request that is meant, and no other', async () => {
    const one = await client(proxy);
    proxy.loseAnswers((request) => request.includes('commit'));
    one.socket.write('begin');
    await one.hears('begin');
    one.socket.write('commit');
    expect(await one.end).toBe('ECONNRESET');
    expect(echo.heard).toEqual(['begin', 'commit']);
  });

  it('is heard as a reset where its server is away', async () => {
    echo.close();
    const one = await client(proxy);
    expect(await one.end).toBe('ECONNRESET');
  });

  it('heals: all faults end', async () => {
    const one = await client(proxy);
    proxy.refuse();
    proxy.delay(10_000);
    proxy.stall();
    proxy.limit(1);
    proxy.loseAnswers();
    proxy.heal();
    const other = await client(proxy);
    for (const each of [one, other]) {
      each.socket.write('well again');
      await each.hears('well again');
    }
  });
});
