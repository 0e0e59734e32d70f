import ky from 'ky';
import { expect, test } from 'vitest';
import { echo, failureOf, overEachTransport, type Seen, serve } from './helpers.ts';

overEachTransport(({ makeUser }) => {
  test('ky stands on it: JSON, cookies, hooks and retries', async () => {
    let requests = 0;
    const { origin } = await serve((request, response) => {
      requests++;
      if (request.url === '/flaky' && requests < 3) {
        response.writeHead(503, { 'set-cookie': `try${requests}=1; Path=/` }).end();
      } else void echo(request, response);
    });
    const { fetch, cookies } = makeUser();
    const seenByHook: number[] = [];
    const client = ky.create({
      fetch: fetch as typeof globalThis.fetch,
      retry: { limit: 3, delay: () => 1 },
      hooks: { afterResponse: [({ response }) => void seenByHook.push(response.status)] },
    });
    const got = await client.get(`${origin}/flaky`).json<Seen>();
    expect(got.headers.cookie).toBe('try1=1; try2=1');
    expect(cookies.size).toBe(2);
    expect(seenByHook).toEqual([503, 503, 200]);
    const posted = await client.post(`${origin}/json`, { json: { a: 1 } }).json<Seen>();
    expect([posted.body, posted.headers['content-type'], posted.headers['content-length']]).toEqual([
      '{"a":1}',
      'application/json',
      '7',
    ]);
  });

  test('ky knows our network errors for what they are, and tries again', async () => {
    let tries = 0;
    const { fetch } = makeUser();
    const client = ky.create({
      fetch: ((input: Request) => {
        tries++;
        return fetch(input);
      }) as typeof globalThis.fetch,
      retry: { limit: 2, delay: () => 1 },
    });
    const error = await failureOf(client.get('http://127.0.0.1:1/').text());
    expect(tries).toBe(3);
    expect(String((error as Error).cause ?? error)).toContain('fetch failed');
  });
});
