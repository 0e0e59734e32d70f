import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { Connections } from '../../src/transport/connections.ts';
import { UndiciTransport } from '../../src/transport/undici.ts';
import { makeCertificate } from './certificates.ts';
import { failureOf, makeUser, overEachTransport, serve, sleep } from './helpers.ts';

/** A server that answers the one request when it is told to. */
async function serveLate() {
  const asked = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  const { origin } = await serve(async (_, response) => {
    asked.resolve();
    await told.promise;
    response.end('late');
  });
  return { origin, asked: asked.promise, answer: told.resolve };
}

describe('Connections', () => {
  const make = () => new UndiciTransport();

  test('keeps one transport for a session, and closes it when it has been idle', async () => {
    await using connections = new Connections({ idleMs: 40 });
    const first = connections.for('a', make);
    expect(connections.for('a', make)).toBe(first);
    await expect.poll(() => connections.size).toBe(0);
    expect(connections.for('a', make)).not.toBe(first);
  });

  test('never closes a busy one for being idle', async () => {
    const { origin, asked, answer } = await serveLate();
    await using connections = new Connections({ idleMs: 20 });
    const user = makeUser();
    const busy = connections.for('a', () => user.transport);
    const pending = user.fetch(origin);
    await asked;
    await sleep(100);
    expect(connections.for('a', make)).toBe(busy);
    answer();
    expect(await (await pending).text()).toBe('late');
  });

  test('closes the one idle longest when there are too many, but no busy one', async () => {
    const { origin, asked, answer } = await serveLate();
    await using connections = new Connections({ maxOpen: 2 });
    const user = makeUser();
    connections.for('busy', () => user.transport);
    const pending = user.fetch(origin);
    await asked;
    const b = connections.for('b', make);
    const c = connections.for('c', make);
    expect(connections.size).toBe(2);
    expect(connections.for('busy', make)).toBe(user.transport);
    expect(connections.for('c', make)).toBe(c);
    expect(connections.for('b', make)).not.toBe(b);
    answer();
    expect(await (await pending).text()).toBe('late');
  });

  test('drops the connections of a session that is gone', async () => {
    const connections = new Connections();
    const transport = connections.for('a', make);
    connections.drop('a');
    connections.drop('nobody');
    expect(connections.size).toBe(0);
    await connections.close();
    await connections.close();
    const hop = { url: new URL('http://127.0.0.1:1/'), method: 'GET', headers: [], body: null };
    // Late, but not lost: it opens a connection of its own.
    expect(await failureOf(transport.send(hop))).toMatchObject({ code: 'FETCH_CONNECT' });
  });

  test('names the option that is wrong', () => {
    expect(() => new Connections({ maxOpen: 0 })).toThrow('connections.maxOpen');
    expect(() => new UndiciTransport({ headersTimeout: 1 } as object)).toThrow('headersTimeoutMs');
  });
});

const certificate = makeCertificate();

describe('TLS', () => {
  const tls = { ca: certificate.cert };

  test('a ticket is used again by its own user, never by another', async () => {
    const reused: boolean[] = [];
    const server = createServer({ ...certificate, maxVersion: 'TLSv1.2' }, (request, response) => {
      reused.push((request.socket as TLSSocket).isSessionReused());
      response.writeHead(200, { connection: 'close' }).end('x');
    });
    const url = await listen(server);
    const [one, two] = [makeUser({ tls, http2: false }), makeUser({ tls, http2: false })];
    const visit = async ({ fetch }: typeof one) => {
      expect(await (await fetch(url)).text()).toBe('x');
      await sleep(5);
      return reused.at(-1)!;
    };
    // undici holds tickets weakly, so one may be gone; but by then this server has taken tickets back.
    let wasReused = await visit(one);
    for (let tries = 0; tries < 20 && !wasReused; tries++) wasReused = await visit(one);
    expect(wasReused).toBe(true);
    expect(await visit(two)).toBe(false);
    server.close();
  });
});

async function listen(server: NetServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://localhost:${(server.address() as AddressInfo).port}/`;
}

overEachTransport(({ makeUser }) => {
  const tls = { ca: certificate.cert };

  test('two users share no socket, one keeps its own', async () => {
    const ports: number[] = [];
    const { origin } = await serve((request, response) => {
      ports.push(request.socket.remotePort!);
      response.end('x');
    });
    const [one, two] = [makeUser(), makeUser()];
    for (const user of [one, two, one, two]) {
      await (await user.fetch(origin)).text();
      // impit takes a connection back in a thread of its own.
      await sleep(100);
    }
    expect(new Set(ports).size).toBe(2);
    expect([ports[0], ports[1]]).toEqual([ports[2], ports[3]]);
  });

  test('Secure cookies go over https, and HTTP/2 works', async () => {
    let cookie: string | undefined;
    const server = createSecureServer({ ...certificate }, (request, response) => {
      cookie = request.headers.cookie;
      response.setHeader('set-cookie', ['__Host-sid=1; Secure; Path=/', 'b=2']);
      response.end(request.httpVersion);
    });
    const url = await listen(server);
    const { fetch, cookies, transport } = makeUser({ tls });
    expect(await (await fetch(url)).text()).toBe('2.0');
    await (await fetch(url)).text();
    expect(cookie).toBe('__Host-sid=1; b=2');
    expect(cookies.size).toBe(2);
    await transport.close();
    server.close();
  });

  test('an unknown certificate is a connection that never was', async () => {
    const server = createServer({ ...certificate }, (_, response) => void response.end('x'));
    const url = await listen(server);
    expect(await failureOf(makeUser().fetch(url))).toMatchObject({
      code: 'FETCH_CONNECT',
      phase: 'connect',
      neverSent: true,
    });
    server.close();
  });
});
