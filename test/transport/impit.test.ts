import { createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Connections } from '../../src/transport/connections.ts';
import { ImpitTransport } from '../../src/transport/impit.ts';
import { loadImpit } from '../../src/transport/impit-package.ts';
import { missingPackage } from '../missing-package.ts';
import { failureOf, makeUser, serve, sleep } from './helpers.ts';

const impit = await loadImpit();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('one client a session, bounded, and freed with it: its sockets close when it is collected', async () => {
  const sockets = new Set<Socket>();
  const { origin, server } = await serve((_, response) => void response.end('x'));
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  let made = 0;
  class Counted extends impit.Impit {
    constructor(options: ConstructorParameters<typeof impit.Impit>[0]) {
      super(options);
      made++;
    }
  }
  const counted = { ...impit, Impit: Counted };
  await using connections = new Connections({ maxOpen: 3 });
  const visit = async (id: string) => {
    const transport = connections.for(id, () => new ImpitTransport({}, counted));
    const response = await transport.send({ url: new URL(origin), method: 'GET', headers: [], body: null });
    await new Promise<void>((resolve) => {
      response.body.onDone(resolve);
      response.body.pipe({ chunk() {}, end() {}, fail() {} });
    });
  };
  for (const id of ['a', 'b', 'c', 'a', 'b', 'c']) await visit(id);
  expect([made, sockets.size]).toEqual([3, 3]);
  for (let i = 0; i < 20; i++) await visit(`more ${i}`);
  expect([made, connections.size]).toEqual([23, 3]);
  for (let tries = 0; tries < 100 && sockets.size > 3; tries++) {
    collect();
    await sleep(20);
  }
  expect(sockets.size).toBeLessThanOrEqual(3);
});

test('a request given up before its answer keeps its connection no longer than maxRequestMs', async () => {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}).on('close', () => open.delete(socket)));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  const transport = new ImpitTransport({ maxRequestMs: 400 }, impit);
  const hop = { url: new URL(`http://127.0.0.1:${address.port}/`), method: 'GET', headers: [], body: null };
  const pending = failureOf(transport.send({ ...hop, signal: AbortSignal.timeout(50) }));
  expect(await pending).toMatchObject({ name: 'TimeoutError' });
  expect([transport.inFlight, transport.limits.stopsUnanswered]).toEqual([0, false]);
  for (let tries = 0; tries < 100 && open.size > 0; tries++) await sleep(20);
  expect(open.size).toBe(0);
  const late = failureOf(transport.send({ ...hop, headersTimeoutMs: 0 }));
  expect(await late).toMatchObject({ code: 'FETCH_TIMEOUT' });
  server.close();
});

test('survives a crowd of answers that break, hang, are aborted and are left unread', async () => {
  const { origin } = await serve((request, response) => {
    const kind = request.url!.slice(1);
    if (kind === 'hang') return;
    response.writeHead(200, { 'content-length': 200_000 });
    response.write(Buffer.alloc(100_000));
    if (kind === 'reset') setTimeout(() => request.socket.resetAndDestroy(), 5);
    else if (kind === 'whole') response.end(Buffer.alloc(100_000));
  });
  const users = Array.from({ length: 5 }, () => makeUser({}, {}, 'impit'));
  const visits = Array.from({ length: 300 }, async (_, index) => {
    const { fetch } = users[index % users.length]!;
    const kind = ['whole', 'reset', 'stall', 'hang', 'whole'][index % 7] ?? 'leave';
    // What ends by itself has all the time that a busy machine may need.
    const endsByItself = kind === 'whole' || kind === 'reset';
    const signal = AbortSignal.timeout(endsByItself ? 20_000 : 300 + index);
    try {
      const response = await fetch(`${origin}/${kind === 'leave' ? 'stall' : kind}`, { signal });
      if (kind === 'leave') await response.body!.cancel();
      else if (index % 2) return `${kind} ${(await response.bytes()).length}`;
      else for await (const _piece of response.body!) if (kind === 'stall' && index % 4) break;
      return kind;
    } catch (error) {
      return `${kind} ${(error as { code?: string | number }).code}`;
    }
  });
  const ends = await Promise.all(visits);
  expect(ends.filter((end) => end.startsWith('whole')).every((end) => /^whole( 200000)?$/.test(end))).toBe(
    true,
  );
  expect(ends.filter((end) => end.startsWith('reset')).every((end) => end === 'reset FETCH_RESET')).toBe(
    true,
  );
  // 23: the code of a DOMException named TimeoutError.
  expect(ends.filter((end) => end.startsWith('hang')).every((end) => end === 'hang 23')).toBe(true);
  for (const { transport } of users) expect(transport.inFlight).toBe(0);
});

test('header values that are UTF-8 go out as they are', async () => {
  const seen: (string | undefined)[] = [];
  const { origin } = await serve((request, response) => {
    seen.push(request.headers['x-a'] as string);
    response.end();
  });
  const value = Buffer.from('Grüße').toString('latin1');
  await makeUser({}, {}, 'impit').fetch(origin, { headers: { 'x-a': value } });
  expect(seen).toEqual([value]);
});

test('names the option that is wrong, and shows no password', () => {
  expect(() => new ImpitTransport({ timeout: 1 } as object, impit)).toThrow(
    'unknown option "transport.timeout"',
  );
  const proxy = 'ftp://user:SECRET@127.0.0.1:1';
  expect(() => new ImpitTransport({ proxy }, impit)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.not.stringContaining('SECRET') }),
  );
});

test('without the package it says what to install', async () => {
  expect(await missingPackage('impit', '../src/transport/impit-package.ts', 'loadImpit')).toBe(
    'MISSING_PACKAGE: the transport "impit" needs the package "impit": npm install impit (0.14.4 or later)',
  );
});
