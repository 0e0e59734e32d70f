import { describe, expect, test } from 'vitest';
import { FetchError } from '../../src/transport/fetch-error.ts';
import { echo, failureOf, overEachTransport, type Seen, serve } from './helpers.ts';

overEachTransport(({ makeUser }) => {
  /** Status × method → the method that follows, and whether the body goes along (Fetch §4.4). */
  const rules: [status: number, method: string, next: string, keepsBody: boolean][] = [
    [301, 'GET', 'GET', false],
    [301, 'POST', 'GET', false],
    [301, 'PUT', 'PUT', true],
    [302, 'POST', 'GET', false],
    [302, 'PATCH', 'PATCH', true],
    [302, 'DELETE', 'DELETE', false],
    [303, 'POST', 'GET', false],
    [303, 'PUT', 'GET', false],
    [303, 'HEAD', 'HEAD', false],
    [307, 'POST', 'POST', true],
    [307, 'GET', 'GET', false],
    [308, 'PUT', 'PUT', true],
  ];

  async function site() {
    return serve((request, response) => {
      const url = new URL(request.url!, 'http://x');
      const to = url.searchParams.get('to');
      if (to === null) return void echo(request, response);
      request.resume();
      response.writeHead(Number(url.searchParams.get('status') ?? 302), { location: to });
      response.end('moved');
    });
  }

  describe('method and body', () => {
    test.each(rules)('%i after %s becomes %s', async (status, method, next, keepsBody) => {
      const { origin } = await site();
      const { fetch } = makeUser();
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? '{"a":1}' : null;
      const headers = { 'x-mine': '1', ...(body && { 'content-type': 'application/json' }) };
      const response = await fetch(`${origin}/?to=/end&status=${status}`, { method, body, headers });
      expect(response.status).toBe(200);
      expect(response.redirected).toBe(true);
      expect(response.url).toBe(`${origin}/end`);
      if (next === 'HEAD') return;
      const seen = (await response.json()) as Seen;
      expect(seen.method).toBe(next);
      expect(seen.body).toBe(keepsBody ? body : '');
      expect(seen.headers['content-type']).toBe(keepsBody ? 'application/json' : undefined);
      expect(seen.headers['x-mine']).toBe('1');
    });

    test('a streamed body cannot follow a 307, and a 303 drops it', async () => {
      const { origin } = await site();
      const { fetch } = makeUser();
      const send = (status: number) =>
        fetch(`${origin}/?to=/end&status=${status}`, {
          method: 'POST',
          body: new Blob(['abc']).stream() as ReadableStream<Uint8Array>,
          duplex: 'half',
        });
      expect(await failureOf(send(307))).toMatchObject({ code: 'FETCH_REDIRECT' });
      expect(((await (await send(303)).json()) as Seen).method).toBe('GET');
    });
  });

  describe('to another origin', () => {
    test('neither Authorization nor the caller’s Cookie goes along, other headers do', async () => {
      const other = await serve(echo, '127.0.0.2');
      const { origin } = await site();
      const { fetch, cookies } = makeUser();
      cookies.set('jar', 'other', { domain: '127.0.0.2' });
      const headers = {
        authorization: 'Bearer secret',
        cookie: 'mine=1',
        host: 'faked.example',
        'x-mine': '1',
      };
      const seen = (await (await fetch(`${origin}/?to=${other.origin}/`, { headers })).json()) as Seen;
      expect(seen.headers.authorization).toBeUndefined();
      expect(seen.headers.host).toBe(new URL(other.origin).host);
      expect(seen.headers['x-mine']).toBe('1');
      expect(seen.headers.cookie).toBe('jar=other');
    });

    test('within an origin they stay', async () => {
      const { origin } = await site();
      const { fetch } = makeUser();
      const headers = { authorization: 'Bearer secret', cookie: 'mine=1' };
      const seen = (await (await fetch(`${origin}/?to=/end`, { headers })).json()) as Seen;
      expect(seen.headers).toMatchObject(headers);
    });

    test('a cookie without a domain is for the first host, never for the target', async () => {
      const other = await serve(echo, '127.0.0.2');
      const { origin } = await site();
      const { fetch, cookies } = makeUser();
      cookies.set('sid', '1');
      const seen = (await (await fetch(`${origin}/?to=${other.origin}/`)).json()) as Seen;
      expect(seen.headers.cookie).toBeUndefined();
      expect(cookies.find('sid')?.domain).toBe('127.0.0.1');
    });
  });

  test('cookies are stored and sent at every hop', async () => {
    const { origin } = await serve((request, response) => {
      const n = Number(request.url!.slice(1));
      if (n === 4) return void echo(request, response);
      response
        .writeHead(302, { location: `/${n + 1}`, 'set-cookie': [`c${n}=1; Path=/`, `last=${n}; Path=/`] })
        .end();
    });
    const { fetch, cookies, hops } = makeUser();
    const seen = (await (await fetch(`${origin}/1`)).json()) as Seen;
    expect(seen.headers.cookie).toBe('c1=1; last=3; c2=1; c3=1');
    expect(cookies.size).toBe(4);
    expect(hops.map((hop) => [hop.url.pathname, hop.status])).toEqual([
      ['/1', 302],
      ['/2', 302],
      ['/3', 302],
      ['/4', 200],
    ]);
  });

  test('twenty redirects are followed, twenty-one are not', async () => {
    const { origin } = await serve((request, response) => {
      const left = Number(request.url!.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    const { fetch } = makeUser();
    expect(await (await fetch(`${origin}/20`)).text()).toBe('there');
    expect(await failureOf(fetch(`${origin}/21`))).toMatchObject({
      code: 'FETCH_REDIRECT',
      neverSent: false,
    });
  });

  test('redirect: "manual" gives the redirect itself, "error" fails', async () => {
    const { origin } = await site();
    const { fetch } = makeUser();
    const manual = await fetch(`${origin}/?to=/end`, { redirect: 'manual' });
    expect([manual.status, manual.headers.get('location'), manual.redirected]).toEqual([302, '/end', false]);
    expect(await manual.text()).toBe('moved');
    expect(await failureOf(fetch(`${origin}/?to=/end`, { redirect: 'error' }))).toBeInstanceOf(FetchError);
  });

  test.each(['http://[', 'ftp://127.0.0.1/', 'data:text/plain,x', 'javascript:1'])(
    'does not follow to %s',
    async (to) => {
      const { origin } = await site();
      expect(await failureOf(makeUser().fetch(`${origin}/?to=${encodeURIComponent(to)}`))).toMatchObject({
        code: 'FETCH_REDIRECT',
      });
    },
  );

  test('a redirect without a target is an answer', async () => {
    const { origin } = await serve((_, response) => void response.writeHead(301).end('nowhere'));
    expect(await (await makeUser().fetch(origin)).text()).toBe('nowhere');
  });

  test('fragments pass on and are not sent, credentials in a target are dropped', async () => {
    const { origin } = await site();
    const { fetch } = makeUser();
    const { host } = new URL(origin);
    const response = await fetch(`${origin}/?to=${encodeURIComponent(`http://user:pass@${host}/end`)}#part`);
    const seen = (await response.json()) as Seen;
    expect(seen.url).toBe('/end');
    expect(seen.headers.authorization).toBeUndefined();
    expect(response.url).toBe(`${origin}/end`);
  });

  test('a redirect chain of one origin keeps its connection', async () => {
    const ports = new Set<number>();
    const { origin } = await serve((request, response) => {
      ports.add(request.socket.remotePort!);
      const left = Number(request.url!.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `/${left - 1}` }).end('on you go');
    });
    await (await makeUser().fetch(`${origin}/8`)).text();
    // Not one a hop. impit takes a connection back a moment after its body has ended: the next hop may be faster.
    expect(ports.size).toBeLessThan(5);
  });

  test('a lease that ends between two hops sends nothing more and stores nothing', async () => {
    let requests = 0;
    const { origin } = await serve((_, response) => {
      requests++;
      response.writeHead(302, { location: '/next', 'set-cookie': 'late=1' }).end();
    });
    let asked = 0;
    const user = makeUser(
      {},
      {
        beforeHop() {
          if (++asked === 2) throw new Error('the lease is over');
        },
      },
    );
    expect(await failureOf(user.fetch(origin))).toMatchObject({ message: 'the lease is over' });
    expect([requests, user.cookies.size]).toEqual([1, 0]);
  });
});
