import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type SessionPool, troupeInfo } from '../../src/index.ts';
import { failureOf, scene, serve, until } from '../pool/helpers.ts';
import { readAnswers } from './data/read.ts';

const samples = readAnswers('samples');
/** On a 200: proven, and not. */
const proven = samples.get('imperva-challenge')!.body as Buffer;
const unproven = samples.get('hcaptcha-interstitial')!.body as Buffer;

const html = (response: ServerResponse, body: Buffer | string, status = 200) =>
  response.writeHead(status, { 'content-type': 'text/html' }).end(body);

/** What holds for the only session at the only site: free, resting, banned, or why it is retired. */
async function stateOf(pool: SessionPool, id = 'ann'): Promise<string> {
  const session = (await pool.get(id))!;
  if (session.status !== 'usable') return `${session.status}: ${session.reason}`;
  const [block] = session.blocks;
  if (!block) return 'free';
  return block.untilAt === null ? 'banned' : 'resting';
}

/** Uses `ann` once for each page, whatever rests are in the way, and says what she is after each. */
async function statesAfter(pages: readonly Buffer[], options = {}): Promise<string[]> {
  await using stage = await scene('memory');
  const left = [...pages];
  await using site = await serve((_, response) => html(response, left.shift()!));
  // Without a pace, which would send another user in her place.
  const pool = stage.pool({ retries: 0, maxRestMs: 1, pace: 'off', ...options });
  await pool.add({ id: 'ann' });
  const states: string[] = [];
  while (left.length > 0) {
    await pool.fetch(site.url);
    states.push(await stateOf(pool));
    const [block] = (await pool.get('ann'))!.blocks;
    if (block?.untilAt) await until(() => Date.now() > block.untilAt!.getTime(), 'the rest is over');
  }
  return states;
}

const shop = Buffer.from('<title>Shop</title>');
/** A rest of a millisecond may be over by the time that it is looked at. */
const rested = expect.stringMatching(/^(resting|free)$/);

describe('a block page', () => {
  it('on a 2xx rests its user first; the second in a row is a ban', async () => {
    expect(await statesAfter([proven, proven])).toEqual([rested, 'banned']);
    expect(await statesAfter([proven, shop, proven, shop, proven])).not.toContain('banned');
  });

  it('on a 2xx retires at the second where a block does', async () => {
    expect(await statesAfter([proven, proven], { blockScope: 'session' })).toEqual([
      rested,
      expect.stringMatching(/^retired: block page imperva-challenge: status 200, /),
    ]);
  });

  it('that nobody has seen captured only ever rests', async () => {
    const many = Array.from({ length: 6 }, () => unproven);
    expect(await statesAfter(many)).toEqual(many.map(() => rested));
    expect(await statesAfter(many, { blockScope: 'session' })).toEqual(many.map(() => rested));
    // One of the two is no proof of the other.
    expect(await statesAfter([unproven, proven])).toEqual([rested, rested]);
  });

  it('costs some seconds without a word of the site', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_, response) => html(response, unproven));
    const pool = stage.pool({ retries: 0 });
    await pool.add({ id: 'ann' });
    await pool.fetch(site.url);
    const [block] = (await pool.get('ann'))!.blocks;
    const restMs = block!.untilAt!.getTime() - block!.sinceAt.getTime();
    expect(restMs).toBeGreaterThanOrEqual(3_900);
    expect(restMs).toBeLessThanOrEqual(6_100);
    expect(await pool.get('ann')).toMatchObject({ usageCount: 1, errorScore: 0 });
  });

  it('on another status is a ban at once, if it is proven', async () => {
    for (const [body, state] of [
      [proven, 'banned'],
      [unproven, 'resting'],
    ] as const) {
      await using stage = await scene('memory');
      await using site = await serve((_, response) => html(response, body, 404));
      const pool = stage.pool({ retries: 0 });
      await pool.add({ id: 'ann' });
      await pool.fetch(site.url);
      expect(await stateOf(pool)).toBe(state);
    }
  });

  it('does not outweigh a 403 of the same use', async () => {
    await using stage = await scene('memory');
    await using site = await serve((request, response) =>
      request.url === '/403' ? html(response, 'no', 403) : html(response, unproven),
    );
    const pool = stage.pool();
    await pool.add({ id: 'ann' });
    await pool.run(async (session) => {
      await (await session.fetch(site.url)).text();
      await (await session.fetch(`${site.url}/403`)).text();
      await (await session.fetch(site.url)).text();
    });
    expect(await stateOf(pool)).toBe('banned');
  });

  it('is told with its rule, and another user tries', async () => {
    await using stage = await scene('memory');
    let asked = 0;
    await using site = await serve((_, response) => html(response, asked++ === 0 ? proven : shop));
    const pool = stage.pool();
    const judged: object[] = [];
    pool.on('judged', (event) => judged.push(event));
    const response = await pool.fetch(`${site.url}/item?token=secret`);
    expect(await response.text()).toBe('<title>Shop</title>');
    expect(troupeInfo(response)).toMatchObject({ verdict: 'ok', attempts: 2 });
    expect(judged).toMatchObject([
      { verdict: 'blocked', rule: 'block page imperva-challenge', where: `${site.url}/item` },
      { verdict: 'ok' },
    ]);
    expect(JSON.stringify(judged)).not.toContain('secret');
  });
});

describe('a body that is looked at', () => {
  /** 300 KB of text with a block page's mark at its head. */
  const long = Buffer.concat([proven, Buffer.from(randomBytes(150_000).toString('hex'))]);

  it.each([
    ['whole', {}],
    ['as a stream', { stream: true }],
  ])('reaches the caller as it came: %s', async (_, init) => {
    for (const packed of [false, true]) {
      await using stage = await scene('memory');
      await using site = await serve((_, response) => {
        const headers = packed ? { 'content-encoding': 'gzip' } : {};
        response.writeHead(200, { 'content-type': 'text/html', ...headers });
        response.end(packed ? gzipSync(long) : long);
      });
      const pool = stage.pool();
      await pool.add({ id: 'ann' });
      const response = await pool.fetch(site.url, { retries: 0, ...init });
      expect(Buffer.from(await response.arrayBuffer()).equals(long)).toBe(true);
      await until(async () => (await pool.get('ann'))!.state !== 'leased', 'it was given back');
      expect(await stateOf(pool)).toBe('resting');
    }
  });

  it('is judged in a task as the task reads it', async () => {
    const reads: Record<string, (response: Response) => Promise<unknown>> = {
      text: (response) => response.text(),
      bytes: (response) => response.bytes(),
      blob: (response) => response.blob(),
      clone: (response) => response.clone().text(),
      stream: async (response) => {
        for await (const _ of response.body!);
      },
      'beginning of a stream': async (response) => {
        const reader = response.body!.getReader();
        await reader.read();
        await reader.cancel();
      },
    };
    for (const [name, read] of Object.entries(reads)) {
      await using stage = await scene('memory');
      await using site = await serve((_, response) => html(response, proven));
      const pool = stage.pool();
      await pool.add({ id: 'ann' });
      const rules: string[] = [];
      pool.on('judged', ({ rule }) => rules.push(rule));
      await pool.run(async (session) => read(await session.fetch(site.url)));
      expect({ name, rules }).toEqual({
        name,
        rules: ['no sign of trouble', 'block page imperva-challenge'],
      });
      expect({ name, state: await stateOf(pool) }).toEqual({ name, state: 'resting' });
    }
  });

  it('is a ban at the second in a row in tasks too', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_, response) => html(response, proven));
    const pool = stage.pool({ maxRestMs: 1, pace: 'off' });
    await pool.add({ id: 'ann' });
    const use = () => pool.run(async (session) => (await session.fetch(site.url)).text());
    await use();
    expect(await stateOf(pool)).not.toBe('banned');
    await use();
    expect(await stateOf(pool)).toBe('banned');
  });

  it('retries a task that has read it, as another', async () => {
    await using stage = await scene('memory');
    let asked = 0;
    await using site = await serve((_, response) => html(response, asked++ === 0 ? proven : shop));
    const pool = stage.pool();
    const users: string[] = [];
    const text = await pool.run(
      async (session) => {
        users.push(session.id);
        return (await session.fetch(site.url)).text();
      },
      { url: site.url, retries: 1 },
    );
    expect(text).toBe('<title>Shop</title>');
    expect(new Set(users).size).toBe(2);
  });

  it('does not hold a stream up that never ends', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
    });
    const pool = stage.pool();
    const response = await pool.fetch(site.url, { stream: true });
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('data: one\n\n');
    await reader.cancel();
  });

  it('is left alone with judge: false', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_, response) => html(response, proven));
    const pool = stage.pool();
    await pool.add({ id: 'ann' });
    await pool.run(async (session) => (await session.fetch(site.url, { judge: false })).text());
    expect(await stateOf(pool)).toBe('free');
  });
});

describe('rules of a pool', () => {
  it('decide before the table does, and hold as what it says', async () => {
    await using stage = await scene('memory');
    await using site = await serve((request, response) => {
      if (request.url === '/account') response.writeHead(302, { location: '/login?next=secret' }).end();
      else html(response, '<title>Log in</title>');
    });
    const pool = stage.pool({
      retries: 0,
      rules: [{ name: 'login page', verdict: 'logged-out', redirectedTo: '/login' }],
    });
    await pool.add({ id: 'ann' });
    const response = await pool.fetch(`${site.url}/account`);
    expect(troupeInfo(response)).toMatchObject({
      verdict: 'logged-out',
      rule: 'login page',
      evidence: 'redirected to "/login"',
    });
    expect(await stateOf(pool)).toBe('banned');
    expect(await pool.get('ann')).toMatchObject({ usageCount: 1, errorScore: 0 });
  });

  it('look at the whole of what a task reads', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_, response) => html(response, 'slow down, robot'));
    const pool = stage.pool({
      rules: [{ name: 'soft limit', verdict: 'rate-limited', body: /slow\s+down/ }],
    });
    await pool.add({ id: 'ann' });
    await pool.run(async (session) => (await session.fetch(site.url)).text());
    expect(await stateOf(pool)).toBe('resting');
  });

  it('that throw are told by the event `error`, with their name', async () => {
    await using stage = await scene('memory');
    await using site = await serve((_, response) => html(response, shop));
    const pool = stage.pool({
      rules: [
        {
          name: 'price check',
          verdict: 'blocked',
          test: () => {
            throw new Error('no price');
          },
        },
      ],
    });
    const errors: { error: unknown; during: string }[] = [];
    pool.on('error', (event) => errors.push(event));
    const response = await pool.fetch(site.url);
    expect(troupeInfo(response)).toMatchObject({ verdict: 'ok', attempts: 1 });
    expect(errors).toMatchObject([
      {
        during: 'the verdict rule "price check"',
        error: { code: 'RULE_FAILED', rule: 'price check', cause: { message: 'no price' } },
      },
    ]);
  });

  it('that are none are refused when the pool is made', async () => {
    await using stage = await scene('memory');
    const error = await failureOf(
      (async () => stage.pool({ rules: [{ name: 'x', verdict: 'banned' as never, status: 200 }] }))(),
    );
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'rules.0.verdict' });
  });
});
