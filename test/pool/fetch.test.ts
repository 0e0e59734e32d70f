import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import ky from 'ky';
import { describe, expect, it } from 'vitest';
import { startPlayground } from '../../playground/site.ts';
import { Session, type SessionPool, siteOf, troupeInfo } from '../../src/index.ts';
import { deadPort, failureOf, isPending, scene, serve, sessionsOf, sleep, until } from './helpers.ts';

/** Blocks of every session, in the order of their ids. */
async function blocksOf(pool: SessionPool): Promise<Record<string, number | null>> {
  const blocks: Record<string, number | null> = {};
  for await (const session of pool.list()) {
    for (const { site, untilAt } of session.blocks) {
      blocks[site] = untilAt === null ? null : untilAt.getTime() - Date.now();
    }
  }
  return blocks;
}

describe('what an answer does to its user', () => {
  it.each([
    { path: '/status/200', verdict: 'ok', health: { usageCount: 1, errorScore: 0 } },
    { path: '/status/404', verdict: 'ok', health: { usageCount: 1, errorScore: 0 } },
    { path: '/status/500', verdict: 'failed', health: { usageCount: 1, errorScore: 1 } },
    { path: '/status/503', verdict: 'failed', health: { usageCount: 1, errorScore: 1 } },
    { path: '/status/407', verdict: 'ok', health: { usageCount: 1, errorScore: 0 } },
    { path: '/status/429?retry-after=60', verdict: 'rate-limited', rests: 60_000 },
    { path: '/status/429', verdict: 'rate-limited', rests: 5_000 },
    { path: '/status/503?retry-after=60', verdict: 'rate-limited', rests: 60_000 },
    { path: '/status/429?retry-after=99999', verdict: 'rate-limited', rests: 3_600_000 },
    { path: '/status/401', verdict: 'blocked', rests: null },
    { path: '/status/403', verdict: 'blocked', rests: null },
    { path: '/slow/5000', verdict: 'failed', code: 'FETCH_TIMEOUT' },
    { path: '/slow-body/5000', verdict: 'failed', code: 'FETCH_TIMEOUT' },
    { path: '/drop', verdict: 'failed', code: 'FETCH_RESET' },
    { path: '/drop-body', verdict: 'failed', code: 'FETCH_RESET' },
    { path: '/redirect-loop', verdict: 'failed', code: 'FETCH_REDIRECT' },
  ])('$path: $verdict', async ({ path, verdict, health, rests, code }) => {
    await using stage = await scene('memory');
    await using site = await startPlayground();
    const pool = stage.pool({ requestTimeoutMs: 600 });
    const judged: { verdict: string; where: string }[] = [];
    pool.on('judged', (event) => judged.push(event));
    const [id] = await pool.add({ id: 'ann' });
    const answered = pool.fetch(site.url + path, { retries: 0 });
    if (code) expect(await failureOf(answered)).toMatchObject({ name: 'TypeError', code });
    else {
      const response = await answered;
      expect(response.url).toBe(site.url + path);
      expect(troupeInfo(response)).toMatchObject({ sessionId: 'ann', verdict, attempts: 1 });
    }
    expect(judged).toMatchObject([{ verdict, where: new URL(path, site.url).href.replace(/\?.*/, '') }]);
    const after = (await pool.get(id!))!;
    expect(after).toMatchObject(health ?? { usageCount: 1, errorScore: code ? 1 : 0 });
    expect(after.status).toBe('usable');
    const blocks = await blocksOf(pool);
    if (rests === undefined) expect(blocks).toEqual({});
    else if (rests === null) expect(blocks).toEqual({ '127.0.0.1': null });
    else {
      // Give or take a fifth where it is ours to choose, and the time the test has taken.
      expect(blocks['127.0.0.1']! / rests).toBeGreaterThan(0.6);
      expect(blocks['127.0.0.1']! / rests).toBeLessThan(1.25);
    }
  });

  it("is a rest until the date that the site names, by the site's own clock", async () => {
    await using stage = await scene('memory');
    const clockIsOff = 3 * 86_400_000;
    await using site = await serve((_request, response) => {
      response.sendDate = false;
      response.setHeader('date', new Date(Date.now() - clockIsOff).toUTCString());
      response.setHeader('retry-after', new Date(Date.now() - clockIsOff + 90_000).toUTCString());
      response.writeHead(429).end();
    });
    const pool = stage.pool();
    await pool.fetch(site.url, { retries: 0 });
    const ms = (await blocksOf(pool))['127.0.0.1']!;
    expect(ms).toBeGreaterThan(80_000);
    expect(ms).toBeLessThan(92_000);
  });

  it('grows from one rate limit to the next where the site names no time, and starts anew after a good answer', async () => {
    await using stage = await scene('memory');
    let status = 429;
    await using site = await serve((_request, response) => response.writeHead(status).end());
    const pool = stage.pool({ create: false });
    await pool.add({ id: 'ann' });
    const restAfter = async () => {
      await pool.fetch(site.url, { retries: 0 });
      const ms = (await blocksOf(pool))['127.0.0.1'] ?? 0;
      await pool.rest('ann', 0, { site: site.url });
      return ms;
    };
    const rests = [await restAfter(), await restAfter(), await restAfter()];
    expect(rests[1]!).toBeGreaterThan(rests[0]! * 1.2);
    expect(rests[2]!).toBeGreaterThan(rests[1]! * 1.2);
    status = 200;
    expect(await restAfter()).toBe(0);
    status = 429;
    expect(await restAfter()).toBeLessThan(7_000);
  });

  it('is retirement for a block where blockScope is the session', async () => {
    await using stage = await scene('memory');
    await using site = await startPlayground();
    const pool = stage.pool({ blockScope: 'session' });
    await pool.add({ id: 'ann' });
    await pool.fetch(`${site.url}/status/403`, { retries: 0 });
    expect(await pool.get('ann')).toMatchObject({
      status: 'retired',
      reason: 'blocked status: status 403',
      usageCount: 1,
    });
  });

  it("goes by the session's own blocked statuses", async () => {
    await using stage = await scene('memory');
    await using site = await startPlayground();
    const pool = stage.pool({ session: { blockedStatusCodes: [418] } });
    expect(troupeInfo(await pool.fetch(`${site.url}/status/403`))?.verdict).toBe('ok');
    expect(troupeInfo(await pool.fetch(`${site.url}/status/418`, { retries: 0 }))?.verdict).toBe('blocked');
  });

  it('stays with the site: a ban from one is none from another', async () => {
    await using stage = await scene('memory');
    const answer = (status: number) => (_: unknown, response: { writeHead(s: number): { end(): void } }) =>
      response.writeHead(status).end();
    await using one = await serve(answer(403), '127.0.0.1');
    await using two = await serve(answer(200), '127.0.0.2');
    const pool = stage.pool({ create: false });
    await pool.add({ id: 'ann' });
    expect((await pool.fetch(one.url)).status).toBe(403);
    expect(await failureOf(pool.fetch(one.url))).toMatchObject({ code: 'NO_SESSION' });
    expect((await pool.fetch(two.url)).status).toBe(200);
    // Another name is another site, whatever it resolves to; a port is not.
    const named = await failureOf(pool.fetch(`http://localhost:${two.port}/`, { retries: 0 }));
    expect(named).not.toMatchObject({ code: 'NO_SESSION' });
    expect(await failureOf(pool.fetch(`http://127.0.0.1:${two.port}/`))).toMatchObject({
      code: 'NO_SESSION',
    });
    expect(await blocksOf(pool)).toEqual({ '127.0.0.1': null });
  });
});

describe('retries', () => {
  it('come as another user, and the last answer says how many it took', async () => {
    await using stage = await scene('memory');
    const users = new Set<string>();
    await using site = await serve((request, response) => {
      users.add(String(request.headers.cookie));
      response.writeHead(users.size < 3 ? 403 : 200).end();
    });
    const pool = stage.pool({ create: false });
    await pool.add(['a', 'b', 'c'].map((id) => ({ id, cookies: { user: id } })));
    const response = await pool.fetch(site.url);
    expect(response.status).toBe(200);
    expect(users.size).toBe(3);
    expect(troupeInfo(response)).toMatchObject({ verdict: 'ok', attempts: 3 });
  });

  it('are as many as the pool says, then the last answer is returned', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => response.writeHead(500).end('sorry'));
    const pool = stage.pool({ retries: 2 });
    const response = await pool.fetch(site.url);
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('sorry');
    expect(site.seen).toHaveLength(3);
    expect(troupeInfo(response)).toEqual({
      sessionId: expect.any(String),
      verdict: 'failed',
      rule: 'server error',
      evidence: 'status 500',
      attempts: 3,
      isBadUrl: false,
    });
    expect((await pool.fetch(site.url, { retries: 0 })).status).toBe(500);
    expect(site.seen).toHaveLength(4);
  });

  it('end with the last answer where no other user is left', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => response.writeHead(403).end('go away'));
    const pool = stage.pool({ create: false });
    await pool.add([{ id: 'a' }, { id: 'b' }]);
    const response = await pool.fetch(site.url);
    expect(response.status).toBe(403);
    expect(await response.text()).toBe('go away');
    expect(troupeInfo(response)).toMatchObject({ verdict: 'blocked', attempts: 2 });
    expect(site.seen).toHaveLength(2);
    // Nobody was asked at all: there is no answer to give.
    expect(await failureOf(pool.fetch(site.url))).toMatchObject({ code: 'NO_SESSION' });
  });

  it('end with the error where there was no answer, and never with one where there was', async () => {
    await using stage = await scene('memory');
    const pool = stage.pool({ retries: 1 });
    const error = await failureOf(pool.fetch(`http://127.0.0.1:${deadPort}/`));
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed', code: 'FETCH_CONNECT' });
    const [session] = await sessionsOf(pool);
    expect(session).toMatchObject({ usageCount: 2, errorScore: 2 });
  });

  it('get a whole body where the first was cut short', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      if (site.seen.length > 1) response.end('0123456789');
      else response.write('01234', () => response.destroy());
    });
    const pool = stage.pool();
    const response = await pool.fetch(site.url);
    expect(await response.text()).toBe('0123456789');
    expect(troupeInfo(response)).toMatchObject({ verdict: 'ok', attempts: 2 });
  });

  it.each([
    ['GET', undefined, 4],
    ['HEAD', undefined, 4],
    ['OPTIONS', undefined, 4],
    ['POST', undefined, 1],
    ['PUT', undefined, 1],
    ['DELETE', undefined, 1],
    ['POST', 2, 3],
  ])('of a %s with retries %s: sent %s times', async (method, retries, times) => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => response.writeHead(500).end());
    const pool = stage.pool();
    const response = await pool.fetch(site.url, {
      method,
      ...(retries === undefined ? {} : { retries }),
      ...(method === 'POST' ? { body: 'x=1' } : {}),
    });
    expect(response.status).toBe(500);
    expect(site.seen).toEqual(Array(times).fill(`${method} /`));
  });

  it('of a POST happen by themselves only where it never left', async () => {
    await using stage = await scene('memory');
    const pool = stage.pool({ retries: 2 });
    let judged = 0;
    pool.on('judged', () => judged++);
    await failureOf(pool.fetch(`http://127.0.0.1:${deadPort}/`, { method: 'POST', body: 'x' }));
    expect(judged).toBe(3);
    await using site = await serve((request) => request.socket.destroy());
    await failureOf(pool.fetch(site.url, { method: 'POST', body: 'x' }));
    expect(site.seen).toHaveLength(1);
  });

  it('send the same body again, and never a stream twice', async () => {
    await using stage = await scene('memory');
    const bodies: string[] = [];
    await using site = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      response.writeHead(500).end();
    });
    const pool = stage.pool();
    const init = { method: 'POST', retries: 1 };
    await pool.fetch(site.url, { ...init, body: new URLSearchParams({ a: '1' }) });
    await pool.fetch(new Request(site.url, { method: 'POST', body: 'of a Request' }), { retries: 1 });
    const stream = new Blob(['streamed']).stream();
    await pool.fetch(site.url, { ...init, body: stream, duplex: 'half' });
    expect(bodies).toEqual(['a=1', 'a=1', 'of a Request', 'of a Request', 'streamed']);
  });

  it('do not happen for a session asked for by id', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => response.writeHead(500).end());
    const pool = stage.pool();
    await pool.add({ id: 'ann' });
    const response = await pool.fetch(site.url, { id: 'ann', retries: 5 });
    expect(troupeInfo(response)).toMatchObject({ sessionId: 'ann', attempts: 1 });
    expect(site.seen).toHaveLength(1);
  });

  it('end when the caller gives up, also between two of them', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => response.writeHead(500).end());
    const pool = stage.pool({ retries: 1000 });
    const signal = AbortSignal.timeout(150);
    const end = await pool.fetch(site.url, { signal }).catch((error) => error);
    if (end instanceof Response) expect(end.status).toBe(500);
    else expect(end).toBe(signal.reason);
    expect(site.seen.length).toBeLessThan(10);
    expect((await pool.stats()).sessions.leased).toBe(0);
  });
});

describe("a pool's fetch", () => {
  it('is fit for ky', async () => {
    await using stage = await scene('memory');
    await using site = await startPlayground();
    const pool = stage.pool();
    const api = ky.create({ fetch: pool.fetch, retry: 0 });
    const answer = await api
      .post(`${site.url}/echo`, { json: { a: 1 } })
      .json<{ method: string; body: string }>();
    expect(answer).toMatchObject({ method: 'POST', body: '{"a":1}' });
    expect(await failureOf(api.get(`${site.url}/status/404`))).toMatchObject({ name: 'HTTPError' });
    expect((await pool.stats()).sessions).toMatchObject({ leased: 0 });
  });

  it('takes Requests, with their method, headers, body and signal', async () => {
    await using stage = await scene('memory');
    await using site = await startPlayground();
    const pool = stage.pool();
    const request = new Request(`${site.url}/echo`, {
      method: 'PUT',
      headers: { 'x-mark': 'one' },
      body: 'hello',
    });
    const echo = (await (await pool.fetch(request)).json()) as { method: string; body: string };
    expect(echo).toMatchObject({ method: 'PUT', body: 'hello' });
    const changed = new AbortController();
    const slow = pool.fetch(new Request(`${site.url}/slow/5000`, { signal: changed.signal }));
    expect(await isPending(slow)).toBe(true);
    changed.abort();
    expect(await failureOf(slow)).toMatchObject({ name: 'AbortError' });
    // Whoever changes his mind says nothing of the user.
    const [session] = await sessionsOf(pool);
    expect(session).toMatchObject({ usageCount: 1, errorScore: 0, state: 'ready' });
  });

  it('refuses wrong arguments before it takes a user', async () => {
    await using stage = await scene('memory');
    const pool = stage.pool();
    await expect(pool.fetch('no url')).rejects.toBeInstanceOf(TypeError);
    await expect(pool.fetch('http://127.0.0.1/', { retries: -1 })).rejects.toMatchObject({
      option: 'retries',
    });
    await expect(pool.fetch('http://127.0.0.1/', { timeoutMs: Number.NaN })).rejects.toMatchObject({
      option: 'timeoutMs',
    });
    expect((await pool.stats()).sessions.usable).toBe(0);
  });

  it('has read the body before it gives the user back, and the answer can be read at leisure', async () => {
    await using stage = await scene('memory');
    await using site = await startPlayground();
    const pool = stage.pool({ maxPoolSize: 1 });
    const response = await pool.fetch(`${site.url}/bytes/100000`);
    expect((await pool.stats()).sessions).toMatchObject({ leased: 0 });
    expect((await response.bytes()).length).toBe(100_000);
  });

  it('refuses a body beyond maxBodyBytes, and does not hold it against the user', async () => {
    await using stage = await scene('memory');
    await using site = await startPlayground();
    const pool = stage.pool({ maxBodyBytes: 1_000 });
    expect(await failureOf(pool.fetch(`${site.url}/bytes/1001`))).toMatchObject({ code: 'FETCH_TOO_LARGE' });
    expect((await pool.fetch(`${site.url}/bytes/1000`)).status).toBe(200);
    const larger = await pool.fetch(`${site.url}/bytes/5000`, { maxBodyBytes: 5_000 });
    expect((await larger.bytes()).length).toBe(5_000);
    const [session] = await sessionsOf(pool);
    expect(session).toMatchObject({ errorScore: 0 });
    expect((await pool.stats()).sessions).toMatchObject({ usable: 1, leased: 0 });
  });

  it("keeps every user's cookies to itself: 50 users, 500 pages in parallel", async () => {
    await using stage = await scene('sqlite');
    await using site = await startPlayground({ requestsPerCookie: 1_000_000 });
    const pool = stage.pool({ maxPoolSize: 50, fill: 'first', maxConcurrentPerSite: 50, timeoutMs: 25_000 });
    const statuses = await Promise.all(
      Array.from({ length: 500 }, async (_, n) => (await pool.fetch(`${site.url}/item/${n}`)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    const { mixed, sharedSockets, users, issued } = site.ledger.summary();
    expect({ mixed, sharedSockets }).toEqual({ mixed: 0, sharedSockets: 0 });
    expect(users).toBe(50);
    expect(issued).toBe(50);
  });

  it('gets every page from a site that limits and bans, as many users', async () => {
    await using stage = await scene('sqlite');
    await using site = await startPlayground({
      requestsPerCookie: 5,
      windowMs: 1_000,
      retryAfterFormat: 'date',
      flakyRatio: 0.3,
    });
    const pool = stage.pool({ maxPoolSize: 20, timeoutMs: 25_000 });
    const pages = Array.from({ length: 120 }, (_, n) => (n % 3 ? `/item/${n}` : `/flaky/${n}`));
    const statuses = await Promise.all(
      pages.map(async (page) => (await pool.fetch(site.url + page, { retries: 20 })).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(site.ledger.summary()).toMatchObject({ mixed: 0, sharedSockets: 0 });
  });
});

it('never shows a URL that it cannot read: it may hold a password', async () => {
  await using stage = await scene('memory');
  const pool = stage.pool();
  const url = 'http://ann:secret@exa mple/?token=secret';
  for (const failed of [pool.fetch(url), new Session().fetch(url)]) {
    const error = await failureOf(failed);
    expect(error).toMatchObject({ name: 'TypeError' });
    expect(inspect(error, { depth: 10 })).not.toContain('secret');
  }
  const bind = () => new Session({ cookies: { sid: '1' }, cookiesFor: url });
  for (const run of [bind, () => siteOf(url)]) {
    expect(inspect(await failureOf((async () => run())()), { depth: 10 })).not.toContain('secret');
  }
});

describe('a streamed answer', () => {
  const twoParts = () =>
    serve(async (request, response) => {
      response.write('one ');
      await Promise.race([
        wait(request.url === '/slow' ? 10_000 : 30),
        new Promise((r) => response.on('close', r)),
      ]);
      response.end('two');
    });
  const leased = async (pool: SessionPool) => (await pool.stats()).sessions.leased;

  it('holds its user until the body ends', async () => {
    await using stage = await scene('memory');
    await using site = await twoParts();
    const pool = stage.pool({ maxPoolSize: 1 });
    const response = await pool.fetch(site.url, { stream: true });
    expect(await leased(pool)).toBe(1);
    expect(troupeInfo(response)).toMatchObject({ verdict: 'ok', attempts: 1 });
    expect(response.url).toBe(`${site.url}/`);
    expect(await response.text()).toBe('one two');
    await until(async () => (await leased(pool)) === 0, 'it is given back');
    const [session] = await sessionsOf(pool);
    expect(session).toMatchObject({ usageCount: 1, errorScore: 0 });
  });

  it('holds its user until it is cancelled', async () => {
    await using stage = await scene('memory');
    await using site = await twoParts();
    const pool = stage.pool({ maxPoolSize: 1 });
    const response = await pool.fetch(`${site.url}/slow`, { stream: true });
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('one ');
    expect(await leased(pool)).toBe(1);
    await reader.cancel();
    expect(await leased(pool)).toBe(0);
  });

  it('holds its user no longer than anybody reads it', async () => {
    await using stage = await scene('memory');
    await using site = await twoParts();
    const pool = stage.pool({ maxPoolSize: 1, requestTimeoutMs: 200 });
    const forgotten = await pool.fetch(`${site.url}/slow`, { stream: true });
    await until(async () => (await leased(pool)) === 0, 'it is given back');
    expect(await failureOf(forgotten.text())).toMatchObject({ name: 'TypeError' });
    expect(await (await pool.fetch(site.url)).text()).toBe('one two');
  });

  it('is retried by its status, and gives back the users whose answers were not wanted', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) =>
      response.writeHead(site.seen.length < 3 ? 403 : 200).end('body'),
    );
    const pool = stage.pool({ maxPoolSize: 3 });
    const response = await pool.fetch(site.url, { stream: true });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('body');
    await until(async () => (await leased(pool)) === 0, 'all are given back');
    expect(troupeInfo(response)).toMatchObject({ attempts: 3 });
  });

  it('may have any status and any reason, and shows no header when it is printed', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => {
      const head = 'HTTP/1.1 999 Nein\u20ac\r\nset-cookie: sid=secret\r\ncontent-length: 2\r\n\r\n';
      response.socket!.end(`${head}ok`);
    });
    const pool = stage.pool({ maxPoolSize: 1, retries: 0 });
    const response = await pool.fetch(`${site.url}/?token=secret`, { stream: true });
    expect(response.status).toBe(999);
    expect(response.headers.getSetCookie()).toEqual(['sid=secret']);
    expect(inspect(response, { depth: 10 })).not.toContain('secret');
    expect(await response.text()).toBe('ok');
    await until(async () => (await leased(pool)) === 0, 'it is given back');
  });

  it('without a body gives its user back at once', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_request, response) => response.writeHead(204).end());
    const pool = stage.pool({ maxPoolSize: 1 });
    expect((await pool.fetch(site.url, { stream: true })).body).toBeNull();
    expect(await leased(pool)).toBe(0);
  });
});

it('starts no hop after the session was given back', async () => {
  await using stage = await scene('memory');
  await using site = await serve(async (request, response) => {
    if (request.url === '/end') return response.end('end');
    await sleep(60);
    response.writeHead(302, { location: '/end', 'set-cookie': 'late=1' }).end();
  });
  const pool = stage.pool();
  const lease = await pool.acquire();
  const fetching = failureOf(lease.session.fetch(site.url));
  await until(() => site.seen.length === 1, 'the first hop is under way');
  await lease.release();
  expect(await fetching).toMatchObject({ code: 'LEASE_ENDED' });
  expect(site.seen).toEqual(['GET /']);
  await using next = await pool.acquire({ id: lease.session.id });
  expect(next.session.cookies.size).toBe(0);
});
