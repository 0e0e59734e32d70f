import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FetchError } from '../../src/transport/fetch-error.ts';
import { bodyDone } from '../../src/transport/response.ts';
import { failureOf, overEachTransport, serve, sleep } from './helpers.ts';

overEachTransport(({ makeUser, limits }) => {
  /** A server that answers with these bytes and then does what `then` says. */
  async function raw(bytes: string, then: 'end' | 'reset' | 'keep' = 'keep'): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(bytes, () => {
          if (then === 'end') socket.end();
          if (then === 'reset') socket.resetAndDestroy();
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}/`;
  }

  const head = 'HTTP/1.1 200 OK\r\n';

  describe('network errors', () => {
    test('refused: never sent', async () => {
      const error = await failureOf(makeUser().fetch('http://127.0.0.1:1/path?token=SECRET'));
      expect(error).toBeInstanceOf(FetchError);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({
        name: 'TypeError',
        message: 'fetch failed',
        code: 'FETCH_CONNECT',
        phase: 'connect',
        neverSent: true,
        url: 'http://127.0.0.1:1/path',
      });
      expect(inspect(error, { depth: 9 })).not.toContain('SECRET');
    });

    test.each<[string, string, 'end' | 'reset' | 'keep', object]>([
      ['closed without an answer', '', 'end', { code: 'FETCH_RESET', phase: 'headers', neverSent: false }],
      ['reset without an answer', '', 'reset', { code: 'FETCH_RESET', phase: 'headers', neverSent: false }],
      ['not HTTP', 'hello\r\n\r\n', 'end', { code: 'FETCH_PROTOCOL', phase: 'headers', neverSent: false }],
      ['a head that is cut short', `${head}content-le`, 'end', { phase: 'headers', neverSent: false }],
    ])('%s', async (_, bytes, then, facts) => {
      expect(await failureOf(makeUser().fetch(await raw(bytes, then)))).toMatchObject(facts);
    });

    test.each<[string, string, 'end' | 'reset']>([
      ['shorter than its length', `${head}content-length: 10\r\n\r\nhello`, 'end'],
      ['chunked without an end', `${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'end'],
      ['reset', `${head}content-length: 10\r\n\r\nhello`, 'reset'],
    ])('a body that is %s', async (_, bytes, then) => {
      const { fetch } = makeUser();
      const url = await raw(bytes, then);
      expect(await failureOf((await fetch(url)).text())).toMatchObject({
        message: 'terminated',
        phase: 'body',
      });
      const read = async () => {
        for await (const _piece of (await fetch(url)).body!);
      };
      expect(await failureOf(read())).toBeInstanceOf(FetchError);
    });

    test('words of the URL say nothing of what went wrong', async () => {
      const url = `${await raw('', 'reset')}TimedOut/InvalidCertificate`;
      expect(await failureOf(makeUser().fetch(url))).toMatchObject({ code: 'FETCH_RESET', neverSent: false });
    });

    test('a broken answer is not printed with its cookies', async () => {
      const url = await raw('HTTP/1.1 200 OK\r\nset-cookie: sid=SECRET\r\nbad header\r\n\r\n', 'end');
      const error = await failureOf(
        makeUser().fetch(url, { headers: { authorization: 'SECRET', cookie: 'SECRET' } }),
      );
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET');
    });
  });

  describe('timeouts', () => {
    test('headers', async () => {
      const { fetch } = makeUser({ headersTimeoutMs: 50 });
      expect(await failureOf(fetch(await raw('')))).toMatchObject({
        code: 'FETCH_TIMEOUT',
        phase: 'headers',
        neverSent: false,
      });
    });

    test('body, between two pieces', async () => {
      const { fetch } = makeUser();
      const response = await fetch(await raw(`${head}content-length: 10\r\n\r\nhello`), {
        bodyTimeoutMs: 50,
      });
      expect(await failureOf(response.text())).toMatchObject({ code: 'FETCH_TIMEOUT', phase: 'body' });
    });

    test('connect', async () => {
      // The server never answers the TLS handshake.
      const { fetch } = makeUser({ connectTimeoutMs: 50 });
      const url = await raw('');
      const error = await failureOf(fetch(url.replace('http:', 'https:')));
      const place = limits.tellsConnecting ? { phase: 'connect', neverSent: true } : { neverSent: false };
      expect(error).toMatchObject({ code: 'FETCH_TIMEOUT', ...place });
    });

    test('a body that nobody reads does not keep its connection', async () => {
      const { origin } = await serve((_, response) => void response.end(Buffer.alloc(8_000_000)));
      const { fetch, transport } = makeUser({ bodyTimeoutMs: 60 });
      const response = await fetch(origin);
      expect(transport.inFlight).toBe(1);
      await bodyDone(response);
      expect(transport.inFlight).toBe(0);
      expect(await failureOf(response.text())).toMatchObject({ code: 'FETCH_TIMEOUT', phase: 'body' });
    });
  });

  describe('abort', () => {
    test('before it starts: nothing is sent', async () => {
      let requests = 0;
      const { origin } = await serve((_, response) => {
        requests++;
        response.end();
      });
      const error = await failureOf(makeUser().fetch(origin, { signal: AbortSignal.abort() }));
      expect(error).toMatchObject({ name: 'AbortError' });
      expect(error).toBeInstanceOf(DOMException);
      expect(requests).toBe(0);
    });

    test('while waiting for the head, with the signal’s own reason', async () => {
      const controller = new AbortController();
      const reason = new Error('changed my mind');
      const { fetch, transport } = makeUser();
      const pending = fetch(await raw(''), { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 20);
      expect(await failureOf(pending)).toBe(reason);
      expect(transport.inFlight).toBe(0);
    });

    test('while the body comes, read whole or streamed', async () => {
      const { fetch } = makeUser();
      const url = await raw(`${head}content-length: 10\r\n\r\nhello`);
      for (const read of [
        (response: Response) => response.text(),
        async (response: Response) => {
          for await (const _piece of response.body!);
        },
      ]) {
        const controller = new AbortController();
        const response = await fetch(url, { signal: controller.signal });
        setTimeout(() => controller.abort(), 20);
        expect(await failureOf(read(response))).toMatchObject({ name: 'AbortError' });
      }
    });

    test('while connecting', async () => {
      const { fetch } = makeUser();
      const url = (await raw('')).replace('http:', 'https:');
      expect(await failureOf(fetch(url, { signal: AbortSignal.timeout(30) }))).toMatchObject({
        name: 'TimeoutError',
      });
    });

    test('while sending: the caller’s stream is cancelled', async () => {
      const { origin } = await serve((request) => void request.resume());
      const controller = new AbortController();
      let cancelled: unknown;
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(stream) {
            await sleep(1);
            stream.enqueue(new Uint8Array(10));
          },
          cancel: (reason) => {
            cancelled = reason ?? true;
          },
        },
        { highWaterMark: 0 },
      );
      const pending = makeUser().fetch(origin, {
        method: 'POST',
        body,
        duplex: 'half',
        signal: controller.signal,
      });
      setTimeout(() => controller.abort(), 20);
      expect(await failureOf(pending)).toMatchObject({ name: 'AbortError' });
      await expect.poll(() => cancelled).toBeDefined();
    });

    test('after the end it does nothing, and no listener is left', async () => {
      const { origin } = await serve((_, response) => void response.end('x'));
      const controller = new AbortController();
      const { fetch } = makeUser();
      for (let i = 0; i < 20; i++)
        expect(await (await fetch(origin, { signal: controller.signal })).text()).toBe('x');
      controller.abort();
    });
  });

  test('closing the connections fails what is in flight, and may be done twice', async () => {
    const { fetch, transport } = makeUser();
    const arrived = Promise.withResolvers<void>();
    const silent = await serve(() => arrived.resolve());
    const pending = failureOf(fetch(silent.origin));
    await arrived.promise;
    await transport.close();
    await transport.close();
    expect(await pending).toMatchObject({ code: 'FETCH_CLOSED', neverSent: false });
    // A transport that was closed while idle serves whoever comes late.
    const { origin } = await serve((_, response) => void response.end('x'));
    expect(await (await fetch(origin)).text()).toBe('x');
  });
});
