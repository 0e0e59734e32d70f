import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { presets } from '../../playground/presets.ts';
import { startPlayground } from '../../playground/site.ts';
import { judge } from '../../src/verdict/judge.ts';
import { agentAt, ask, Visitor } from './client.ts';

/** The statuses of so many offers, asked for one after the other. */
async function statuses(visitor: Visitor, count: number): Promise<number[]> {
  const all: number[] = [];
  for (let n = 1; n <= count; n++) all.push((await visitor.hop(`/offer/${n}`)).status);
  return all;
}

describe('an offer', () => {
  it('comes with a cookie for who has none, and without a redirect', async () => {
    await using site = await startPlayground();
    await using visitor = new Visitor(site);
    const answer = await visitor.hop('/offer/3');
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('Item 3') });
    const uid = visitor.jar.get('uid');
    await visitor.hop('/offer/4');
    expect(visitor.jar.get('uid')).toBe(uid);
    expect(site.ledger.summary()).toMatchObject({ users: 1, issued: 1, pages: 2 });
  });
});

describe('the limit per address', () => {
  it('counts whoever comes from there, with a cookie or without, and nobody else', async () => {
    await using site = await startPlayground({ requestsPerAddress: 3 });
    await using ann = new Visitor(site, agentAt('127.0.1.1'));
    await using bob = new Visitor(site, agentAt('127.0.1.1'));
    await using eve = new Visitor(site, agentAt('127.0.1.2'));
    expect(await statuses(ann, 2)).toEqual([200, 200]);
    expect(await statuses(bob, 2)).toEqual([200, 429]);
    expect(await statuses(ann, 1)).toEqual([429]);
    expect(await statuses(eve, 3)).toEqual([200, 200, 200]);
    expect(site.ledger.summary()).toMatchObject({ limited: 0, refusals: { 'address-limit': 2 } });
  });

  it('lets in again after its window', async () => {
    await using site = await startPlayground({ requestsPerAddress: 1, addressWindowMs: 1_000 });
    await using visitor = new Visitor(site);
    expect(await statuses(visitor, 2)).toEqual([200, 429]);
    await sleep(1_020);
    expect(await statuses(visitor, 1)).toEqual([200]);
  });

  it('bans an address that got so many 429s in one window, and only that one', async () => {
    await using site = await startPlayground({
      requestsPerAddress: 1,
      addressWindowMs: 1_000,
      banAddressAfterViolations: 2,
    });
    await using modest = new Visitor(site, agentAt('127.0.1.1'));
    await using greedy = new Visitor(site, agentAt('127.0.1.2'));
    for (let window = 0; window < 2; window++) {
      expect(await statuses(modest, 2)).toEqual([200, 429]);
      await sleep(1_020);
    }
    expect(await statuses(greedy, 4)).toEqual([200, 429, 429, 403]);
    await sleep(1_020);
    expect(await statuses(greedy, 1)).toEqual([403]);
    await using sameAddress = new Visitor(site, agentAt('127.0.1.2'));
    expect(await statuses(sameAddress, 1)).toEqual([403]);
    expect(await statuses(modest, 1)).toEqual([200]);
    expect(site.ledger.summary()).toMatchObject({ bannedAddresses: 1, banned: 0 });
  });
});

describe('refused requests that count on', () => {
  it.each(['cookie', 'address'] as const)('keep out who goes on knocking: %s', async (refusedCount) => {
    const limit = { requestsPerCookie: 1, requestsPerAddress: 1, windowMs: 1_000, addressWindowMs: 1_000 };
    const onlyOne =
      refusedCount === 'cookie'
        ? { ...limit, requestsPerAddress: null }
        : { ...limit, requestsPerCookie: 99 };
    await using site = await startPlayground({ ...onlyOne, refusedCount, banAfterViolations: 99 });
    await using visitor = new Visitor(site);
    expect(await statuses(visitor, 1)).toEqual([200]);
    // The cookie itself is counted from its second request on: the first had none.
    await visitor.hop('/offer/2');
    for (let knock = 0; knock < 4; knock++) {
      await sleep(400);
      expect(await statuses(visitor, 1)).toEqual([429]);
    }
    await sleep(1_050);
    expect(await statuses(visitor, 1)).toEqual([200]);
  });
});

describe('the tie to the address', () => {
  it('refuses the cookie from elsewhere, and the ledger says so', async () => {
    await using site = await startPlayground({ bindAddress: true });
    await using visitor = new Visitor(site, agentAt('127.0.1.1'));
    await using elsewhere = new Visitor(site, agentAt('127.0.1.2'));
    await visitor.hop('/offer/1');
    for (const [name, value] of visitor.jar) elsewhere.jar.set(name, value);
    expect((await elsewhere.hop('/offer/2')).status).toBe(403);
    expect((await visitor.hop('/offer/2')).status).toBe(200);
    expect(site.ledger.summary()).toMatchObject({ otherAddress: 1, refusals: { 'other-address': 1 } });
    expect(site.ledger.snapshot().perUser).toMatchObject([
      { strayed: 1, remoteAddresses: ['127.0.1.2', '127.0.1.1'] },
    ]);
  });

  it('is off by default, but what strays is taken down', async () => {
    await using site = await startPlayground({ bindUserAgent: false });
    await using visitor = new Visitor(site);
    await visitor.hop('/offer/1');
    expect((await visitor.hop('/offer/2', { userAgent: 'other/2' })).status).toBe(200);
    expect(site.ledger.summary()).toMatchObject({ otherAddress: 0, otherUserAgent: 1 });
  });
});

describe('suspicion', () => {
  it('shows captchas with status 200, which the signatures know, near a limit and not before', async () => {
    await using site = await startPlayground({ requestsPerAddress: 60, suspectFrom: 0.5 });
    await using visitor = new Visitor(site);
    for (let n = 1; n <= 30; n++) expect((await visitor.hop(`/strict/${n}`)).status).toBe(403);
    const bodies: string[] = [];
    for (let n = 31; n <= 60; n++) bodies.push((await ask(`${site.url}/offer/${n}`)).body);
    const captchas = bodies.filter((body) => body.includes('g-recaptcha'));
    expect(captchas.length).toBeGreaterThan(5);
    expect(captchas.length).toBeLessThan(25);
    expect(site.ledger.refusals.captcha).toBe(captchas.length);
    expect(site.ledger.pages).toBe(bodies.length - captchas.length);
    const headers = new Headers({ 'content-type': 'text/html; charset=utf-8' });
    const answer = { url: `${site.url}/offer/1`, status: 200, headers, body: Buffer.from(captchas[0]!) };
    const judgement = judge(answer, { isBlockedStatus: () => false });
    expect(judgement).toMatchObject({ verdict: 'blocked', rule: expect.stringContaining('recaptcha') });
  });
});

describe('weakness', () => {
  it('fails a share of the item pages at the first attempt, without Retry-After', async () => {
    await using site = await startPlayground({ unavailableRatio: 0.5, requestsPerCookie: 1_000 });
    await using visitor = new Visitor(site);
    await visitor.hop('/');
    const first = await statuses(visitor, 100);
    const failed = first.filter((status) => status === 503).length;
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(70);
    expect(site.ledger.refusals).toEqual({ unavailable: failed });
    expect(await statuses(visitor, 100)).toEqual(new Array(100).fill(200));
  });

  it('takes its time for every answer', async () => {
    await using site = await startPlayground({ latencyMs: 60 });
    const startedAt = performance.now();
    await ask(`${site.url}/plain/1`);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(58);
  });
});

describe('the preset hard', () => {
  it('tells a user nothing of its limit, and bans who goes on', async () => {
    await using site = await startPlayground({ ...presets.hard, suspectFrom: 1, unavailableRatio: 0 });
    await using visitor = new Visitor(site);
    expect(await statuses(visitor, 5)).toEqual([200, 200, 200, 200, 200]);
    const refused = await visitor.hop('/offer/6');
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBeUndefined();
    expect(await statuses(visitor, 2)).toEqual([429, 403]);
  });
});
