import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { FetchInit } from '../../src/transport/fetch.ts';
import { echo, failureOf, overEachTransport, type Seen, serve } from './helpers.ts';

overEachTransport(({ makeUser, limits, name }) => {
  async function send(
    init: FetchInit | undefined,
    input: (origin: string) => string | URL | Request = (origin) => origin,
  ) {
    const { origin } = await serve(echo);
    const user = makeUser();
    return (await (await user.fetch(input(origin), init)).json()) as Seen;
  }

  const stream = (...pieces: string[]) =>
    new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const piece of pieces) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          controller.enqueue(new TextEncoder().encode(piece));
        }
        controller.close();
      },
    });

  async function* pieces() {
    yield 'ab';
    yield Buffer.from('c');
  }

  const form = () => {
    const data = new FormData();
    data.set('a "b"', 'line\nbreak');
    data.set('file', new File(['content'], 'f.txt', { type: 'text/plain' }));
    return data;
  };

  describe('bodies', () => {
    test.each<[string, FetchInit, string, string | undefined, boolean]>([
      ['a string', { body: 'äb' }, 'äb', 'text/plain;charset=UTF-8', true],
      [
        'parameters',
        { body: new URLSearchParams({ a: '1 2' }) },
        'a=1+2',
        'application/x-www-form-urlencoded;charset=UTF-8',
        true,
      ],
      ['bytes', { body: new Uint8Array([97, 98]).subarray(1) }, 'b', undefined, true],
      [
        'an ArrayBuffer',
        { body: new TextEncoder().encode('ab').buffer as ArrayBuffer },
        'ab',
        undefined,
        true,
      ],
      ['a blob', { body: new Blob(['ab'], { type: 'x/y' }) }, 'ab', 'x/y', true],
      ['a web stream', { body: stream('a', 'b'), duplex: 'half' }, 'ab', undefined, false],
      ['a Node stream', { body: Readable.from(['a', 'b']) }, 'ab', undefined, false],
      ['an async iterable', { body: pieces() }, 'abc', undefined, false],
      ['an empty string', { body: '' }, '', 'text/plain;charset=UTF-8', true],
    ])('sends %s', async (_, init, text, type, hasLength) => {
      const seen = await send({ method: 'POST', ...init });
      expect(seen.body).toBe(text);
      expect(seen.headers['content-type']).toBe(type);
      expect(seen.headers['content-length']).toBe(hasLength ? String(Buffer.byteLength(text)) : undefined);
    });

    test('sends a form that a server can read', async () => {
      const seen = await send({ method: 'POST', body: form() });
      const type = seen.headers['content-type']!;
      expect(Number(seen.headers['content-length'])).toBe(Buffer.byteLength(seen.body));
      const read = await new Response(seen.body, { headers: { 'content-type': type } }).formData();
      expect(read.get('a "b"')).toBe('line\r\nbreak');
      expect(await (read.get('file') as File).text()).toBe('content');
    });

    test('a Request is sent with the length of a body that is all there, and streams one that is not', async () => {
      const whole = await send(
        undefined,
        (origin) => new Request(origin, { method: 'PUT', body: '{"a":1}', headers: { 'x-a': '1' } }),
      );
      expect([whole.method, whole.body, whole.headers['content-length'], whole.headers['x-a']]).toEqual([
        'PUT',
        '{"a":1}',
        '7',
        '1',
      ]);
      const slow = await send(
        undefined,
        (origin) => new Request(origin, { method: 'POST', body: stream('a', 'b'), duplex: 'half' }),
      );
      expect([slow.body, slow.headers['transfer-encoding']]).toEqual(['ab', 'chunked']);
    });

    test('a body that fails while it is sent is the caller’s error', async () => {
      const { origin } = await serve((request) => void request.resume());
      async function* broken() {
        yield 'a';
        throw new Error('disk gone');
      }
      const error = await failureOf(makeUser().fetch(origin, { method: 'POST', body: broken() }));
      expect(error).toMatchObject({
        code: 'FETCH_REQUEST_BODY',
        message: 'fetch failed',
        cause: { message: 'disk gone' },
      });
    });
  });

  describe('headers', () => {
    test('says who it is and what it can read, unless the caller does', async () => {
      expect((await send(undefined)).headers).toMatchObject({
        'user-agent': 'test/1',
        accept: '*/*',
        'accept-encoding': 'gzip, deflate, br, zstd',
      });
      const headers = { 'User-Agent': 'mine', Accept: 'text/html' };
      expect((await send({ headers })).headers).toMatchObject({ 'user-agent': 'mine', accept: 'text/html' });
      expect((await send({ headers: { range: 'bytes=0-1' } })).headers['accept-encoding']).toBe('identity');
    });

    test('keep their order and spelling', async () => {
      const { rawHeaders } = await send({
        headers: [
          ['X-B', '1'],
          ['x-a', '2'],
          ['X-B', '3'],
        ],
      });
      const name = limits.keepsSpelling ? 'X-B' : 'x-b';
      const start = rawHeaders.indexOf(name);
      expect(rawHeaders.slice(start, start + 4)).toEqual([name, '1, 3', 'x-a', '2']);
    });

    test('a caller’s Cookie replaces the session’s for this request only', async () => {
      const { origin } = await serve(echo);
      const { fetch, cookies } = makeUser();
      cookies.set('jar', '1', { domain: '127.0.0.1' });
      const cookieOf = async (init?: FetchInit) =>
        ((await (await fetch(origin, init)).json()) as Seen).headers.cookie;
      expect(await cookieOf({ headers: { Cookie: 'mine=1' } })).toBe('mine=1');
      expect(await cookieOf()).toBe('jar=1');
      expect(await cookieOf({ credentials: 'omit' })).toBeUndefined();
    });

    test.each([
      [{ 'x-a': 'secret\r\nx-b: 1' }],
      [{ 'x-a': 'secret\0' }],
      [{ 'x-a': 'secret€' }],
      [{ 'x a': 'secret' }],
      [{ '': 'secret' }],
    ])('refuses %j without repeating it', async (headers) => {
      const error = await failureOf(makeUser().fetch('http://127.0.0.1:1/', { headers }));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).not.toContain('secret');
      expect('code' in (error as object)).toBe(false);
    });

    test('headers of the connection are left out', async () => {
      const { headers } = await send({
        headers: { Connection: 'close', 'Transfer-Encoding': 'chunked', Upgrade: 'x', 'x-a': '1' },
      });
      expect([headers.connection, headers['transfer-encoding'], headers.upgrade, headers['x-a']]).toEqual([
        name === 'undici' ? 'keep-alive' : undefined,
        undefined,
        undefined,
        '1',
      ]);
    });
  });

  test.each<[string, string, FetchInit?]>([
    ['data:', 'data:text/plain,x'],
    ['blob:', 'blob:nodedata:1'],
    ['file:', 'file:///etc/hosts'],
    ['a relative URL', '/path'],
    ['credentials in the URL', 'http://user:secret@127.0.0.1/'],
    ['a body with GET', 'http://127.0.0.1:1/', { body: 'x' }],
    ['CONNECT', 'http://127.0.0.1:1/', { method: 'CONNECT' }],
    ['a method that is no token', 'http://127.0.0.1:1/', { method: 'GE T' }],
    ['a stream without duplex', 'http://127.0.0.1:1/', { method: 'POST', body: stream('a') }],
    ['a plain object as the body', 'http://127.0.0.1:1/', { method: 'POST', body: { a: 1 } as never }],
  ])('refuses %s with a plain TypeError', async (_, url, init) => {
    const error = await failureOf(makeUser().fetch(url, init));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).not.toHaveProperty('code');
    expect(String(error)).not.toContain('secret');
  });

  test('methods are upper-cased as the standard has it, and no others', async () => {
    expect((await send({ method: 'post', body: 'x' })).method).toBe('POST');
    expect((await send({ method: 'PATCH', body: 'x' })).method).toBe('PATCH');
    const other = send({ method: 'PROPFIND' });
    if (limits.methods) expect(await failureOf(other)).toMatchObject({ name: 'TypeError' });
    else expect((await other).method).toBe('PROPFIND');
  });
});
