import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startPlayground } from '../../playground/site.ts';
import { ask, Visitor } from './client.ts';

describe('the user cookie', () => {
  it('is issued at the entry, once', async () => {
    await using site = await startPlayground();
    await using visitor = new Visitor(site);
    const first = await visitor.hop('/');
    expect(first.status).toBe(200);
    expect(first.setCookies[0]).toMatch(/^uid=[\w-]{16}; Path=\/; HttpOnly; SameSite=Lax$/);
    const uid = visitor.jar.get('uid');
    await visitor.hop('/');
    expect(visitor.jar.get('uid')).toBe(uid);
  });

  it('is given on the way to an item to a client that has none', async () => {
    await using site = await startPlayground({ pageBytes: 1_234 });
    await using visitor = new Visitor(site);
    const answer = await visitor.visit('/item/7');
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('Item 7');
    expect(answer.body).toHaveLength(1_234);
    expect(site.ledger.snapshot().byRoute).toEqual({ '/item': 2, '/enter': 1 });
  });

  it('is demanded: a client that keeps no cookies ends at a 403, not in a loop', async () => {
    await using site = await startPlayground();
    let answer = await ask(`${site.url}/item/7`);
    let hops = 0;
    for (; answer.headers.location; hops++) answer = await ask(site.url + answer.headers.location);
    expect(answer.status).toBe(403);
    expect(hops).toBe(6);
    expect(site.ledger.summary()).toMatchObject({ users: 0, issued: 3 });
  });

  it('counts only if this site issued it', async () => {
    await using site = await startPlayground();
    const headers = { cookie: 'uid=made-up' };
    expect(await ask(`${site.url}/item/1`, { headers })).toMatchObject({ status: 302 });
    expect(await ask(`${site.url}/strict/1`, { headers })).toMatchObject({ status: 403 });
    expect(site.ledger.users).toBe(0);
  });

  it('lets into a strict page, which refuses everybody else at once', async () => {
    await using site = await startPlayground();
    await using visitor = new Visitor(site);
    expect((await visitor.hop('/strict/1')).status).toBe(403);
    await visitor.hop('/');
    expect((await visitor.hop('/strict/1')).status).toBe(200);
  });

  it.each(['//evil.test/', '/\\evil.test', 'http://evil.test/'])(
    'the entry does not redirect to %s',
    async (next) => {
      await using site = await startPlayground();
      const answer = await ask(`${site.url}/enter?next=${encodeURIComponent(next)}`);
      expect(answer.headers.location).toBe('/');
    },
  );
});

describe('the tie to the User-Agent', () => {
  it('refuses the cookie from another browser, and still takes it from its own', async () => {
    await using site = await startPlayground();
    await using visitor = new Visitor(site);
    await visitor.hop('/');
    expect((await visitor.hop('/item/1', { userAgent: 'other/2' })).status).toBe(403);
    expect((await visitor.hop('/item/1')).status).toBe(200);
    expect(site.ledger.snapshot().perUser[0]?.userAgents).toEqual(['other/2', 'test-browser/1']);
  });

  it('can be switched off', async () => {
    await using site = await startPlayground({ bindUserAgent: false });
    await using visitor = new Visitor(site);
    await visitor.hop('/');
    expect((await visitor.hop('/item/1', { userAgent: 'other/2' })).status).toBe(200);
  });
});

describe('the limit per cookie', () => {
  it('answers 429 with the seconds to wait, and lets in who waited', async () => {
    await using site = await startPlayground({ requestsPerCookie: 2, windowMs: 1_000 });
    await using visitor = new Visitor(site);
    await visitor.visit('/item/1');
    expect((await visitor.hop('/item/2')).status).toBe(200);
    const limited = await visitor.hop('/item/3');
    expect(limited.status).toBe(429);
    expect(limited.headers['retry-after']).toBe('1');
    await sleep(1_020);
    expect((await visitor.hop('/item/3')).status).toBe(200);
    expect(site.ledger.limited).toBe(1);
  });

  it('says an HTTP date no earlier than the end of the window, if asked to', async () => {
    await using site = await startPlayground({
      requestsPerCookie: 1,
      windowMs: 60_000,
      retryAfterFormat: 'date',
    });
    await using visitor = new Visitor(site);
    const startedAt = Date.now();
    await visitor.visit('/item/1');
    const limited = await visitor.hop('/item/2');
    const until = Date.parse(String(limited.headers['retry-after']));
    expect(until).toBeGreaterThanOrEqual(startedAt + 60_000);
    expect(until).toBeLessThan(Date.now() + 61_000);
  });

  it('is each cookie’s own', async () => {
    await using site = await startPlayground({ requestsPerCookie: 1 });
    await using ann = new Visitor(site);
    await using bob = new Visitor(site);
    await ann.visit('/item/1');
    expect((await ann.hop('/item/2')).status).toBe(429);
    expect((await bob.visit('/item/2')).status).toBe(200);
  });

  it('bans the cookie for good after so many 429s, and nobody else', async () => {
    await using site = await startPlayground({
      requestsPerCookie: 1,
      windowMs: 1_500,
      banAfterViolations: 2,
    });
    await using visitor = new Visitor(site);
    await visitor.visit('/item/1');
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await visitor.hop('/item/2')).status);
    expect(statuses).toEqual([429, 429, 403]);
    await sleep(1_520);
    for (const path of ['/item/3', '/strict/3', '/login', '/account', '/']) {
      expect((await visitor.hop(path)).status, path).toBe(403);
    }
    expect(site.ledger.summary()).toMatchObject({ limited: 2, banned: 1 });
    await using other = new Visitor(site);
    expect((await other.visit('/item/3')).status).toBe(200);
  });
});
