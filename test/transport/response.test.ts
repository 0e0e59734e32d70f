import { inspect } from 'node:util';
import * as zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bodyDone, readWhole } from '../../src/transport/response.ts';
import { failureOf, overEachTransport, serve, sleep } from './helpers.ts';

overEachTransport(({ makeUser, limits }) => {
  const text = 'Grüße, '.repeat(3000);

  const codings: Record<string, (bytes: Buffer) => Buffer> = {
    gzip: zlib.gzipSync,
    'x-gzip': zlib.gzipSync,
    deflate: zlib.deflateSync,
    'deflate (raw)': zlib.deflateRawSync,
    br: zlib.brotliCompressSync,
    zstd: zlib.zstdCompressSync,
    'gzip, br': (bytes) => zlib.brotliCompressSync(zlib.gzipSync(bytes)),
    identity: (bytes) => bytes,
    unknown: (bytes) => bytes,
  };

  async function streamText(response: Response): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body!) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  describe('content codings', () => {
    for (const [name, encode] of Object.entries(codings)) {
      const header = name.replace(' (raw)', '');
      test(`${name}: whole, streamed, small, large and empty`, async () => {
        for (const content of [text, 'x', '', text.repeat(40)]) {
          const bytes = content === '' ? Buffer.alloc(0) : encode(Buffer.from(content));
          const { origin } = await serve((_, response) => {
            response.setHeader('content-encoding', header);
            for (let i = 0; i < bytes.length; i += 1000) response.write(bytes.subarray(i, i + 1000));
            response.end();
          });
          const { fetch } = makeUser();
          if (name.includes('raw') && content !== '' && !limits.decodesAll) {
            expect(await failureOf((await fetch(origin)).text())).toMatchObject({ code: 'FETCH_BODY' });
            continue;
          }
          expect(await (await fetch(origin)).text()).toBe(content);
          expect(await streamText(await fetch(origin))).toBe(content);
        }
      });
    }

    test('broken codings fail the body, and say so', async () => {
      const { origin } = await serve((_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end('this is no gzip');
      });
      const { fetch } = makeUser();
      expect(await failureOf((await fetch(origin)).text())).toMatchObject({
        code: 'FETCH_BODY',
        phase: 'body',
      });
      expect(await failureOf(streamText(await fetch(origin)))).toMatchObject({
        code: 'FETCH_BODY',
        phase: 'body',
      });
    });
  });

  describe('a coded body that is cut short', () => {
    const cut = zlib.gzipSync(Buffer.from(text)).subarray(0, -12);

    test('is an error where only the coding shows it', async () => {
      const { origin } = await serve((request, response) => {
        // Without a length, ended by the end of the connection.
        request.socket.end(
          Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n'), cut]),
        );
        response.detachSocket(request.socket);
      });
      const { fetch } = makeUser();
      expect(await failureOf((await fetch(origin)).text())).toMatchObject({ code: 'FETCH_BODY' });
      expect(await failureOf(streamText(await fetch(origin)))).toMatchObject({ code: 'FETCH_BODY' });
    });

    test('is what there is where HTTP says that it is complete', async () => {
      const { origin } = await serve(
        (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(cut),
      );
      const { fetch } = makeUser();
      if (!limits.decodesAll) {
        expect(await failureOf((await fetch(origin)).text())).toMatchObject({ code: 'FETCH_BODY' });
        return;
      }
      expect(text.startsWith((await (await fetch(origin)).text()).slice(0, 100))).toBe(true);
      expect(text.startsWith((await streamText(await fetch(origin))).slice(0, 100))).toBe(true);
    });

    test('is a network error where the connection breaks', async () => {
      const { origin } = await serve((request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.write(cut, () => setTimeout(() => request.socket.destroy(), 10));
      });
      const { fetch } = makeUser();
      expect(await failureOf((await fetch(origin)).text())).toMatchObject({ message: 'terminated' });
      expect(await failureOf(streamText(await fetch(origin)))).toMatchObject({ message: 'terminated' });
    });
  });

  describe('a response', () => {
    test('is one, with all that belongs to it', async () => {
      const { origin } = await serve((_, response) => {
        response.writeHead(201, 'Made', {
          'set-cookie': ['a=1', 'b=2'],
          'x-a': '1',
          'content-type': 'application/json',
        });
        response.end('{"a":1}');
      });
      const response = await makeUser().fetch(`${origin}/p?q=1#f`);
      expect(response).toBeInstanceOf(Response);
      expect([response.status, response.statusText, response.ok, response.type]).toEqual([
        201,
        limits.tellsReasons ? 'Made' : 'Created',
        true,
        'basic',
      ]);
      expect([response.url, response.redirected]).toEqual([`${origin}/p?q=1`, false]);
      expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
      expect(response.headers.get('date')).toBeTruthy();
      expect(response.bodyUsed).toBe(false);
      expect(await response.json()).toEqual({ a: 1 });
      expect(response.bodyUsed).toBe(true);
      expect(await failureOf(response.text())).toBeInstanceOf(TypeError);
      expect(() => response.clone()).toThrow(TypeError);
    });

    test('can be read in every way', async () => {
      const { origin } = await serve((_, response) => {
        response.writeHead(200, { 'content-type': 'application/x-www-form-urlencoded' }).end('a=1&b=2');
      });
      const { fetch } = makeUser();
      expect(Buffer.from(await (await fetch(origin)).arrayBuffer()).toString()).toBe('a=1&b=2');
      expect(Buffer.from(await (await fetch(origin)).bytes()).toString()).toBe('a=1&b=2');
      const blob = await (await fetch(origin)).blob();
      expect([await blob.text(), blob.type]).toEqual(['a=1&b=2', 'application/x-www-form-urlencoded']);
      expect((await (await fetch(origin)).formData()).get('b')).toBe('2');
      expect(await new Response((await fetch(origin)).body).text()).toBe('a=1&b=2');
    });

    test('can be cloned before it is read, each copy read by itself', async () => {
      const { origin } = await serve((_, response) => void response.end('content'));
      const response = await makeUser().fetch(origin);
      const copy = response.clone();
      expect([await copy.text(), await response.text()]).toEqual(['content', 'content']);
      expect(copy.url).toBe(response.url);
    });

    test.each([
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ])('%s %i has no body', async (method, status) => {
      const { origin } = await serve(
        (_, response) => void response.writeHead(status, { 'content-encoding': 'gzip' }).end(),
      );
      const { fetch, transport } = makeUser();
      const response = await fetch(origin, { method });
      expect([response.body, await response.text()]).toEqual([null, '']);
      await bodyDone(response);
      expect(transport.inFlight).toBe(0);
    });

    test('shows no header and no query when printed', async () => {
      const { origin } = await serve(
        (_, response) => void response.writeHead(200, { 'set-cookie': 'sid=SECRET' }).end(),
      );
      const response = await makeUser().fetch(`${origin}/p?token=SECRET`);
      void response.headers;
      expect(inspect(response, { depth: 9, showHidden: true })).not.toContain('SECRET');
      await response.text();
    });

    test('a byte order mark is dropped from text', async () => {
      const { origin } = await serve((_, response) => void response.end('\ufeff{"a":1}'));
      expect(await (await makeUser().fetch(origin)).json()).toEqual({ a: 1 });
    });
  });

  describe('readWhole', () => {
    test('leaves the response readable, in every way and without the server', async () => {
      const { origin, server } = await serve((_, response) => void response.end('content'));
      const response = await makeUser().fetch(origin);
      expect(Buffer.from(await readWhole(response)).toString()).toBe('content');
      server.closeAllConnections();
      expect(response.bodyUsed).toBe(false);
      const copy = response.clone();
      expect(await streamText(copy)).toBe('content');
      (await response.clone().bytes()).fill(0);
      expect(Buffer.from(await readWhole(response)).toString()).toBe('content');
      expect(await response.text()).toBe('content');
      expect(await failureOf(readWhole(response))).toBeInstanceOf(TypeError);
    });

    test.each(['identity', 'gzip', 'br', 'zstd'])(
      'stops at its limit, also inside %s, and closes the connection',
      async (coding) => {
        const big = codings[coding]!(Buffer.alloc(4_000_000));
        const { origin } = await serve(
          (_, response) => void response.writeHead(200, { 'content-encoding': coding }).end(big),
        );
        const { fetch, transport } = makeUser();
        expect(await failureOf(readWhole(await fetch(origin), 100_000))).toMatchObject({
          code: 'FETCH_TOO_LARGE',
          phase: 'body',
        });
        expect(await failureOf((await fetch(origin, { maxBodyBytes: 100_000 })).text())).toMatchObject({
          code: 'FETCH_TOO_LARGE',
        });
        expect(await failureOf(streamText(await fetch(origin, { maxBodyBytes: 100_000 })))).toMatchObject({
          code: 'FETCH_TOO_LARGE',
        });
        await expect.poll(() => transport.inFlight).toBe(0);
      },
    );
  });

  describe('streaming', () => {
    test('gives pieces as they come', async () => {
      const firstIsSeen = Promise.withResolvers<void>();
      const { origin } = await serve(async (_, response) => {
        response.write('one');
        await firstIsSeen.promise;
        response.end('two');
      });
      const seen: string[] = [];
      for await (const piece of (await makeUser().fetch(origin)).body!) {
        seen.push(Buffer.from(piece).toString());
        firstIsSeen.resolve();
      }
      expect(seen).toEqual(['one', 'two']);
    });

    test('asks for no more than is read', async () => {
      let written = 0;
      const { origin } = await serve(async (_, response) => {
        response.setMaxListeners(0);
        const piece = Buffer.alloc(64 * 1024);
        while (written < 64 * 1024 * 1024 && !response.destroyed) {
          written += piece.length;
          if (!response.write(piece))
            await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
        }
        response.end();
      });
      const response = await makeUser().fetch(origin);
      const reader = response.body!.getReader();
      await reader.read();
      await sleep(100);
      expect(written).toBeLessThan(32 * 1024 * 1024);
      await reader.cancel();
      await bodyDone(response);
    });

    test.each(['identity', 'gzip'])('a reader that waits can be cancelled, %s', async (coding) => {
      const { origin } = await serve((_, response) => {
        response
          .writeHead(200, { 'content-encoding': coding })
          .write(codings[coding]!(Buffer.from('begin')).subarray(0, 10));
      });
      const { fetch, transport } = makeUser();
      const reader = (await fetch(origin)).body!.getReader();
      if (coding === 'identity') await reader.read();
      const waiting = reader.read();
      await sleep(20);
      await reader.cancel();
      expect((await waiting).done).toBe(true);
      expect(transport.inFlight).toBe(0);
    });

    test('a byte reader can bring its own memory', async () => {
      const { origin } = await serve((_, response) => void response.end('content'));
      const reader = (await makeUser().fetch(origin)).body!.getReader({ mode: 'byob' });
      const { value } = await reader.read(new Uint8Array(3));
      expect(Buffer.from(value!).toString()).toBe('con');
      await reader.cancel();
    });
  });
});
