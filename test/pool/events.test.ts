import diagnostics from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type PoolEventName, Session, type SessionPool, troupeInfo } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, scene, serve, storeKinds, until } from './helpers.ts';

const names: PoolEventName[] = [
  'created',
  'acquired',
  'released',
  'retired',
  'rested',
  'banned',
  'lost',
  'judged',
  'siteRested',
  'skipped',
  'creationPaused',
  'error',
];

/** Everything that a pool tells, in order. */
function record(pool: SessionPool): Record<string, unknown>[] {
  const told: Record<string, unknown>[] = [];
  for (const name of names) pool.on(name, (event) => told.push({ name, ...event }));
  return told;
}

const statusSite = () =>
  serve((request, response) => {
    const [, status, wait] = request.url!.split('/');
    response.writeHead(Number(status), wait ? { 'retry-after': wait } : {}).end();
  });

describe.each(storeKinds)('events (%s)', (kind) => {
  it('tell of a use from its creation to its release', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ maxPoolSize: 1 });
    const told = record(pool);
    const { sessionId } = troupeInfo(await pool.fetch(`${site.url}/200`))!;
    expect(told).toEqual([
      { name: 'created', sessionId },
      { name: 'acquired', sessionId, site: '127.0.0.1', waitedMs: expect.any(Number) },
      {
        name: 'judged',
        sessionId,
        where: `${site.url}/200`,
        verdict: 'ok',
        rule: 'no sign of trouble',
        evidence: '',
      },
      { name: 'released', sessionId, heldMs: expect.any(Number) },
    ]);
  });

  it('tell of bans, rests and retirements, with the reason and what was seen', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ maxPoolSize: 1 });
    await pool.add({ id: 'ann' });
    const told = record(pool);
    const tell = async (work: () => Promise<unknown>) => {
      told.length = 0;
      await work();
      return told.filter(({ name }) => ['rested', 'banned', 'retired'].includes(String(name)));
    };
    expect(await tell(() => pool.fetch(`${site.url}/429/60`, { retries: 0 }))).toEqual([
      {
        name: 'rested',
        sessionId: 'ann',
        site: '127.0.0.1',
        ms: 60_000,
        reason: 'status 429',
        evidence: 'status 429, retry after 60000 ms',
      },
    ]);
    await pool.rest('ann', 0, { site: site.url });
    expect(await tell(() => pool.fetch(`${site.url}/403`, { retries: 0 }))).toEqual([
      {
        name: 'banned',
        sessionId: 'ann',
        site: '127.0.0.1',
        reason: 'blocked status',
        evidence: 'status 403',
      },
    ]);
    expect(await tell(() => pool.run((session) => session.rest(30_000)))).toMatchObject([
      { name: 'rested', sessionId: 'ann', ms: expect.any(Number) },
    ]);
    expect(await tell(() => pool.rest('ann', 5_000, { site: 'example.com' }))).toEqual([
      {
        name: 'rested',
        sessionId: 'ann',
        site: 'example.com',
        ms: 5_000,
        reason: 'rested from outside',
        evidence: '',
      },
    ]);
    await pool.rest('ann', 0);
    expect(await tell(() => pool.run((session) => session.retire('logged out for good')))).toEqual([
      { name: 'retired', sessionId: 'ann', reason: 'logged out for good', evidence: '' },
    ]);
    await pool.add({ id: 'bob' });
    expect(await tell(() => pool.retire('bob', 'account closed'))).toEqual([
      { name: 'retired', sessionId: 'bob', reason: 'account closed', evidence: '' },
    ]);
  });

  it('tell once of a session that is blocked by its errors, expired or used up', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ create: false });
    await pool.add([
      { id: 'bad', maxErrorScore: 1, clock },
      { id: 'old', maxAgeMs: 1_000, clock },
      { id: 'worn', maxUsageCount: 1, clock },
    ]);
    const told = record(pool);
    await pool.run((session) => session.markBad(), { id: 'bad' });
    await pool.run((session) => session.markGood(), { id: 'worn' });
    await pool.run(() => clock.advance(1_001), { id: 'old' });
    const retired = told.filter(({ name }) => name === 'retired');
    expect(retired.map(({ sessionId, reason }) => [sessionId, reason])).toEqual([
      ['bad', 'blocked'],
      ['worn', 'used-up'],
      ['old', 'expired'],
    ]);
  });

  it('tell of a lease that was lost', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ maxPoolSize: 1 });
    const told = record(pool);
    const lease = await pool.acquire();
    clock.advance(60_001);
    await (await pool.acquire()).release();
    await lease.release().catch(() => {});
    expect(told.filter(({ name }) => name === 'lost')).toEqual([
      { name: 'lost', sessionId: lease.session.id, reason: expect.any(String) },
    ]);
    // What was lost was not released.
    expect(told.filter(({ name }) => name === 'released')).toHaveLength(1);
  });

  it('go also to node:diagnostics_channel, with the name of the pool', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ name: `named-${kind}` });
    const heard: unknown[] = [];
    const listeners = names.map((name) => {
      const listener = (message: unknown) => {
        if ((message as { pool: string }).pool === pool.name) heard.push({ name, ...(message as object) });
      };
      diagnostics.subscribe(`troupe:${name}`, listener);
      return () => diagnostics.unsubscribe(`troupe:${name}`, listener);
    });
    try {
      // With nobody listening to the pool itself, and with somebody.
      await pool.fetch(`${site.url}/200`);
      expect(heard.map((event) => (event as { name: string }).name)).toEqual([
        'created',
        'acquired',
        'judged',
        'released',
      ]);
      heard.length = 0;
      const told = record(pool);
      await pool.fetch(`${site.url}/403`, { retries: 0 });
      expect(heard).toEqual(told.map((event) => ({ ...event, pool: `named-${kind}` })));
      expect(told.map(({ name }) => name)).toContain('banned');
    } finally {
      for (const stop of listeners) stop();
    }
  });

  it('reach all who listen, although one of them throws, and disturb no work', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ maxPoolSize: 1 });
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    try {
      for (const name of names) {
        pool.on(name, () => {
          throw new Error(`broken listener of ${name}`);
        });
      }
      const told = record(pool);
      expect((await pool.fetch(`${site.url}/429/60`, { retries: 0 })).status).toBe(429);
      expect(told.map(({ name }) => name)).toEqual(['created', 'acquired', 'judged', 'released', 'rested']);
      await until(() => warnings.length >= 5, 'the broken listeners are told of');
      expect(warnings.map(({ message }) => message)).toContain('broken listener of judged');
      expect((await pool.stats()).sessions).toMatchObject({ usable: 1, leased: 0 });
    } finally {
      process.off('warning', onWarning);
    }
  });

  it('end for a listener that has gone', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    let heard = 0;
    const stop = pool.on('released', () => heard++);
    await pool.run(() => {});
    stop();
    stop();
    await pool.run(() => {});
    expect(heard).toBe(1);
  });
});

it('gives no secret away: not in an event, an error, a list or a print', async () => {
  const clock = fakeClock();
  await using stage = await scene('sqlite', clock);
  await using site = await serve((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://site');
    if (pathname === '/drop') return request.socket.destroy();
    if (pathname === '/redirect') {
      return response.writeHead(302, { location: '/403?token=SECRET-in-location' }).end();
    }
    response.setHeader('set-cookie', 'sid=SECRET-set-cookie; Path=/');
    response.setHeader('retry-after', searchParams.get('wait') ?? '1');
    response.writeHead(Number(pathname.slice(1))).end('SECRET-page');
  });
  const secretive = (id: string) =>
    new Session({
      id,
      clock,
      userData: { password: 'SECRET-user-data' },
      cookies: { auth: 'SECRET-cookie' },
      fingerprint: { userAgent: 'ua', headers: { 'x-key': 'SECRET-header' } },
    });
  const pool = stage.pool({
    maxPoolSize: 6,
    timeoutMs: 300,
    maxCreateFailures: 1,
    retries: 1,
    createSession: () => {
      throw new Error('no more');
    },
  });
  const shown: unknown[] = record(pool);
  await pool.add(['a', 'b', 'c', 'd', 'e'].map(secretive));
  await pool.add(
    new Session({
      id: 'f',
      clock,
      proxy: 'http://user:SECRET-proxy@127.0.0.1:1',
      userData: { x: 'SECRET-user-data' },
    }),
  );
  const headers = { authorization: 'Bearer SECRET-authorization', 'x-own': 'SECRET-own' };
  for (const page of ['/200', '/500', '/429', '/403', '/drop', '/redirect']) {
    const url = `${site.url.replace('//', '//name:SECRET-url-password@')}${page}?token=SECRET-query#SECRET-hash`;
    shown.push(await pool.fetch(url, { headers }).catch((error) => error));
    shown.push(
      await pool
        .fetch(url.replace(/name:.*@/, ''), { headers, method: 'POST', body: 'SECRET-body' })
        .catch((error) => error),
    );
  }
  shown.push(await pool.fetch(site.url, { id: 'f' }).catch((error) => error));
  const lease = await pool.acquire({ id: 'a' });
  clock.advance(60_001);
  const again = await pool.acquire({ id: 'a' });
  shown.push(await failureOf(lease.release()), again.session, again, lease.session);
  again.session.userData.self = again.session.userData;
  shown.push(await failureOf(again.release()));
  await pool.retire('b');
  for (const ask of [{ id: 'b' }, { url: `${site.url}/?SECRET-asked` }, {}]) {
    shown.push(await pool.acquire({ ...ask, timeoutMs: 5 }).catch((error) => error));
  }
  shown.push(await pool.stats());
  for await (const session of pool.list()) shown.push(session);
  expect(shown.length).toBeGreaterThan(40);
  for (const thing of shown) {
    const error = thing as { message?: string; stack?: string };
    const texts: string[] = [
      inspect(thing, { depth: 6 }),
      String(thing),
      error.message ?? '',
      error.stack ?? '',
    ];
    texts.push(JSON.stringify(thing) ?? '');
    for (const text of texts) expect(text).not.toContain('SECRET');
  }
});
