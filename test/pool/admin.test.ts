import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BlockedError, OptionError, Session, SessionPool, type SessionPoolOptions } from '../../src/index.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, scene, sessionsOf, storeKinds } from './helpers.ts';

describe.each(storeKinds)('add (%s)', (kind) => {
  it('takes sessions and options, one or many, and answers their ids', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const made = new Session({ cookies: [{ name: 'a', value: '1', domain: 'example.com' }] });
    expect(await pool.add(made)).toEqual([made.id]);
    expect(await pool.add({ id: 'ann' })).toEqual(['ann']);
    expect(await pool.add([{ id: 'bob' }, new Session({ id: 'cid' })])).toEqual(['bob', 'cid']);
    expect(await pool.add([])).toEqual([]);
    expect((await pool.stats()).sessions).toMatchObject({ usable: 4, ready: 4 });
    // A store has a clock of its own: it is told ages, not instants.
    const { createdAt, expiresAt, ...state } = (await pool.get(made.id))!.model;
    expect(made.getState()).toMatchObject(state);
    expect(Math.abs(createdAt.getTime() - made.createdAt.getTime())).toBeLessThan(2_000);
    expect(expiresAt!.getTime() - createdAt.getTime()).toBeGreaterThan(2_990_000);
  });

  it('adds all or none: an id that is there, or comes twice, stands in the way of all', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    await pool.add({ id: 'ann' });
    const error = await failureOf(pool.add([{ id: 'new' }, { id: 'ann' }]));
    expect(error).toMatchObject({ name: 'StoreError', code: 'DUPLICATE_SESSION' });
    expect(error.message).toContain('ann');
    expect(await failureOf(pool.add([{ id: 'x' }, { id: 'x' }]))).toMatchObject({
      code: 'DUPLICATE_SESSION',
    });
    expect((await sessionsOf(pool)).map(({ id }) => id)).toEqual(['ann']);
  });

  it('adds none where all would not fit', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 3, name: 'small' });
    await pool.add([{}, {}]);
    const error = await failureOf(pool.add([{}, {}]));
    expect(error).toMatchObject({ code: 'POOL_FULL' });
    expect(error.message).toContain('maxPoolSize 3');
    await pool.add({});
    expect(await failureOf(pool.add({}))).toMatchObject({ code: 'POOL_FULL' });
    expect((await pool.stats()).sessions.usable).toBe(3);
  });

  it('refuses what is not usable, naming which, and adds none', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const retired = new Session();
    retired.retire();
    for (const bad of [
      retired,
      new Session({ errorScore: 3 }),
      new Session({ usageCount: 50 }),
      new Session({ createdAt: new Date(0) }),
    ]) {
      const error = await failureOf(pool.add([{}, bad]));
      expect(error).toBeInstanceOf(OptionError);
      expect(error.option).toBe('sessions.1');
      expect(error.message).toContain(bad.status);
    }
    expect(await failureOf(pool.add({ maxUsageCont: 3 } as object))).toMatchObject({
      code: 'INVALID_OPTION',
    });
    expect((await pool.stats()).sessions.usable).toBe(0);
  });

  it('carries counts and rests over, those for a site and those everywhere', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ create: false });
    const tired = new Session({ id: 'tired', usageCount: 7, errorScore: 1.5 });
    tired.rest(60_000);
    const picky = new Session({ id: 'picky' });
    picky.rest(60_000, { site: 'https://shop.example.com/page' });
    picky.rest(60_000, { site: 'example.org' });
    await pool.add([tired, picky]);
    expect(await pool.get('tired')).toMatchObject({ state: 'resting', usageCount: 7, errorScore: 1.5 });
    const { state, blocks } = (await pool.get('picky'))!;
    expect(state).toBe('ready');
    expect(blocks.map(({ site }) => site).toSorted()).toEqual(['example.com', 'example.org']);
    await (await pool.acquire({ url: 'https://example.net/' })).release();
    expect(await failureOf(pool.acquire({ site: 'example.com', timeoutMs: 10 }))).toMatchObject({
      code: 'ACQUIRE_TIMEOUT',
    });
  });

  it('takes a copy: what happens to the given session afterwards does not reach the pool', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const session = new Session({ id: 'ann', userData: { list: [1] }, cookies: { a: '1' } });
    await pool.add(session);
    session.userData.list.push(2);
    session.cookies.set('b', '2', { domain: 'example.com' });
    session.cookies.delete('a');
    session.retire();
    await using lease = await pool.acquire({ id: 'ann' });
    expect(lease.session.userData).toEqual({ list: [1] });
    expect(lease.session.cookies.toObject()).toEqual({ a: '1' });
    expect(lease.session.status).toBe('usable');
    lease.session.userData.list.push(3);
    lease.session.cookies.set('c', '3', { domain: 'example.com' });
    expect(session.userData).toEqual({ list: [1, 2] });
    expect(session.cookies.toObject()).toEqual({ b: '2' });
  });

  it('takes the place of a dead one of that id', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    await pool.add({ id: 'ann', userData: { life: 1 } });
    await pool.retire('ann');
    await pool.add({ id: 'ann', userData: { life: 2 } });
    expect((await pool.get('ann'))!.model.userData).toEqual({ life: 2 });
    expect(await pool.get('ann')).toMatchObject({ status: 'usable' });
  });
});

describe.each(storeKinds)('looking (%s)', (kind) => {
  it('shows one session as it stands, and undefined for one that is not there', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    await pool.add({
      id: 'ann',
      userData: { token: 'SECRET-1' },
      cookies: { a: 'SECRET-2' },
      proxy: 'http://u:SECRET-3@p.example:1',
    });
    expect(await pool.get('nobody')).toBeUndefined();
    const seen = (await pool.get('ann'))!;
    expect(seen).toMatchObject({
      state: 'ready',
      status: 'usable',
      reason: null,
      holder: null,
      untilAt: null,
      blocks: [],
    });
    await using lease = await pool.acquire({ id: 'ann' });
    lease.session.markBad();
    // As it stood when it was looked at.
    expect(seen).toMatchObject({ state: 'ready', usageCount: 0 });
    const held = (await pool.get('ann'))!;
    expect(held.state).toBe('leased');
    expect(held.holder).toMatch(new RegExp(`:${process.pid}$`));
    expect(held.sinceAt!.getTime()).toBeLessThanOrEqual(Date.now());
    expect(held.untilAt!.getTime()).toBeGreaterThan(Date.now() + 30_000);
    expect(inspect(seen)).toContain('ann');
    for (const text of [inspect(seen, { depth: 9, showHidden: true }), inspect([seen]), JSON.stringify(seen)])
      expect(text).not.toContain('SECRET');
    expect(seen.model.userData).toEqual({ token: 'SECRET-1' });
    expect(() => {
      (seen.model as { usageCount: number }).usageCount = 9;
    }).toThrow(TypeError);
  });

  it('lists all of them, page by page, in the order of their ids, or those in one state', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 2000 });
    await pool.add(Array.from({ length: 1_201 }, (_, n) => ({ id: `s${String(n).padStart(4, '0')}` })));
    const ids = (await sessionsOf(pool)).map(({ id }) => id);
    expect(ids).toHaveLength(1_201);
    expect(ids).toEqual(ids.toSorted());
    await pool.retire('s0001');
    await pool.rest('s0002', 60_000);
    await using lease = await pool.acquire({ id: 's0003' });
    const inState = async (state: 'ready' | 'leased' | 'resting' | 'dead') => {
      const found = [];
      for await (const { id } of pool.list({ state })) found.push(id);
      return found;
    };
    expect(await inState('dead')).toEqual(['s0001']);
    expect(await inState('resting')).toEqual(['s0002']);
    expect(await inState('leased')).toEqual([lease.session.id]);
    expect(await inState('ready')).toHaveLength(1_198);
    await expect(pool.list({ state: 'gone' as 'dead' }).next()).rejects.toMatchObject({ option: 'state' });
  });

  it('counts the same as it lists', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ maxPoolSize: 20, session: { maxAgeMs: 3_600_000 } });
    await pool.add(
      Array.from({ length: 12 }, (_, n) => ({ id: `s${n}`, ...(n === 11 ? { maxAgeMs: 1_000 } : {}) })),
    );
    await pool.retire('s0', 'why not');
    await pool.retire('s1', 'why not');
    await pool.rest('s2', 60_000);
    await pool.rest('s3', 60_000, { site: 'example.com' });
    await using _held = await pool.acquire({ id: 's4' });
    await using banned = await pool.acquire({ id: 's5', site: 'example.com' });
    clock.advance(1_500);
    // Whoever asks for it finds out that it has expired.
    expect(await failureOf(pool.acquire({ id: 's11' }))).toMatchObject({ code: 'NO_SESSION' });
    const stats = await pool.stats();
    const listed = new Map<string, number>();
    for (const { state } of await sessionsOf(pool)) listed.set(state, (listed.get(state) ?? 0) + 1);
    expect({
      ready: stats.sessions.ready,
      leased: stats.sessions.leased,
      resting: stats.sessions.resting,
      dead: stats.sessions.dead,
    }).toEqual(Object.fromEntries(listed));
    expect(stats.sessions).toEqual({ usable: 9, ready: 6, leased: 2, resting: 1, places: 0, dead: 3 });
    expect(stats.retirements).toEqual({ 'why not': 2, expired: 1 });
    expect(stats.sites).toEqual({ 'example.com': { ready: 5, resting: 1, banned: 0, siteRestsForMs: 0 } });
    expect(stats.holders.map(({ sessionId }) => sessionId).toSorted()).toEqual(['s4', banned.session.id]);
    expect(stats.waiting).toEqual({ count: 0, oldestMs: 0 });
    expect(stats.nextReadyInMs).toBeGreaterThan(58_000);
  });
});

describe.each(storeKinds)('ordering (%s)', (kind) => {
  it('retires for good, and says whether a living one was there', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    await pool.add({ id: 'ann' });
    expect(await pool.retire('ann', 'account closed')).toBe(true);
    expect(await pool.get('ann')).toMatchObject({
      state: 'dead',
      status: 'retired',
      reason: 'account closed',
    });
    expect(await pool.retire('ann')).toBe(false);
    expect(await pool.retire('nobody')).toBe(false);
    await expect(pool.retire('ann', '')).rejects.toMatchObject({ option: 'reason' });
  });

  it('revives the blocked, the retired, the expired and the used up, with what they had', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ create: false });
    await pool.add([
      { id: 'blocked', maxErrorScore: 1, clock, maxAgeMs: null, userData: { of: 'blocked' } },
      { id: 'expired', maxAgeMs: 1_000, clock, userData: { of: 'expired' } },
      { id: 'retired', clock, maxAgeMs: null, userData: { of: 'retired' } },
      { id: 'used-up', maxUsageCount: 1, clock, maxAgeMs: null, userData: { of: 'used-up' } },
    ]);
    await pool.run((session) => session.markBad(), { id: 'blocked' });
    await pool.run((session) => session.markGood(), { id: 'used-up' });
    await pool.retire('retired');
    clock.advance(1_001);
    const ids = ['blocked', 'expired', 'retired', 'used-up'];
    for (const id of ids) {
      expect(await failureOf(pool.acquire({ id }))).toMatchObject({ code: 'NO_SESSION' });
      expect(await pool.get(id)).toMatchObject({ status: id });
      expect(await pool.revive(id)).toBe(true);
      expect(await pool.revive(id)).toBe(false);
      expect(await pool.get(id)).toMatchObject({
        status: 'usable',
        state: 'ready',
        errorScore: 0,
        reason: null,
      });
      await using lease = await pool.acquire({ id });
      expect(lease.session).toMatchObject({ status: 'usable', userData: { of: id } });
    }
    expect(await pool.revive('nobody')).toBe(false);
  });

  it('revives nobody for whom there is no room', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    await pool.add({ id: 'ann' });
    await pool.retire('ann');
    await pool.add({ id: 'bob' });
    expect(await pool.revive('ann')).toBe(false);
    await pool.retire('bob');
    expect(await pool.revive('ann')).toBe(true);
  });

  it('rests everywhere or for a site, and lifts rests and bans', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ create: false });
    await pool.add({ id: 'ann', clock });
    expect(await pool.rest('ann', 60_000)).toBe(true);
    expect(await pool.get('ann')).toMatchObject({ state: 'resting' });
    expect(await pool.rest('ann', 0)).toBe(true);
    expect(await pool.get('ann')).toMatchObject({ state: 'ready' });
    await pool.rest('ann', 60_000, { site: 'shop.example.com' });
    expect((await pool.get('ann'))!.blocks).toMatchObject([{ site: 'example.com' }]);
    clock.advance(60_001);
    await (await pool.acquire({ site: 'example.com', timeoutMs: 100 })).release();
    await pool.rest('ann', 60_000, { site: 'localhost:8080' });
    expect((await pool.get('ann'))!.blocks.map(({ site }) => site)).toContain('localhost');
    expect(await pool.rest('ann', 0, { site: new URL('http://localhost/') })).toBe(true);
    await (await pool.acquire({ site: 'localhost', timeoutMs: 100 })).release();
    expect(await pool.rest('nobody', 1_000)).toBe(false);
    for (const ms of [-1, Number.NaN, '5' as unknown as number])
      await expect(pool.rest('ann', ms)).rejects.toMatchObject({ option: 'ms' });
    await expect(pool.rest('ann', 5, { site: 'not a site' })).rejects.toBeInstanceOf(OptionError);
    await expect(pool.rest('ann', 5, { site: 5 as unknown as string })).rejects.toBeInstanceOf(OptionError);
  });

  it('rests a session that is leased after its release', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const lease = await pool.acquire();
    await pool.rest(lease.session.id, 60_000);
    lease.session.markGood();
    await lease.release();
    expect(await pool.get(lease.session.id)).toMatchObject({ state: 'resting', usageCount: 1 });
  });

  it('removes wholly, also one that is leased: its holder hears of it', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    await pool.add([{ id: 'ann' }, { id: 'bob' }]);
    await pool.retire('bob');
    const lease = await pool.acquire({ id: 'ann' });
    expect(await pool.remove('ann')).toBe(true);
    expect(await pool.remove('bob')).toBe(true);
    expect(await pool.remove('bob')).toBe(false);
    expect(lease.signal.aborted).toBe(true);
    await expect(lease.release()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(await sessionsOf(pool)).toEqual([]);
    expect((await pool.stats()).sessions).toMatchObject({ usable: 0, leased: 0, dead: 0 });
  });

  it('prunes the dead after keepRetiredMs, and keeps them until then', async () => {
    const clock = fakeClock();
    await using stage = await scene(kind, clock);
    const pool = stage.pool({ keepRetiredMs: 10_000, maxPoolSize: 5_000 });
    await pool.add(Array.from({ length: 2_500 }, () => ({ clock })));
    for (const { id } of await sessionsOf(pool)) await pool.retire(id);
    expect(await pool.prune()).toBe(0);
    expect((await pool.stats()).sessions.dead).toBe(2_500);
    clock.advance(10_001);
    expect(await pool.prune()).toBe(2_500);
    expect(await sessionsOf(pool)).toEqual([]);
    // What they died of stays known.
    expect((await pool.stats()).retirements).toEqual({ 'retired from outside': 2_500 });
  });

  it('makes room for a new one where all are banned from the site and the pool is full', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 2 });
    const banned = await pool.add([{ id: 'first' }, { id: 'second' }]);
    for (const id of banned) {
      const block = () => {
        throw new BlockedError();
      };
      await pool.run(block, { id, site: 'example.com' }).catch(() => {});
    }
    await using lease = await pool.acquire({ site: 'example.com' });
    expect(banned).not.toContain(lease.session.id);
    expect(await pool.get(banned[0]!)).toMatchObject({ status: 'retired' });
    expect(await pool.get(banned[1]!)).toMatchObject({ status: 'usable' });
  });
});

describe('options', () => {
  it.each<[string, object, string?]>([
    ['maxPoolSize', { maxPoolSize: 0 }],
    ['maxPoolSize', { maxPoolSize: 1.5 }],
    ['maxPoolSize', { maxPoolSize: Number.NaN }],
    ['maxPoolSize', { maxPoolSize: '5' }],
    ['name', { name: '' }],
    ['store', { store: {} }],
    ['store', { store: null }],
    ['rotation', { rotation: 'roundrobin' }, 'round-robin'],
    ['fill', { fill: 'last' }],
    ['create', { create: 'no' }],
    ['createSession', { createSession: {} }],
    ['onCreate', { onCreate: 'log in' }],
    ['leaseMs', { leaseMs: 99 }],
    ['leaseMs', { leaseMs: Number.POSITIVE_INFINITY }],
    ['maxHoldMs', { maxHoldMs: -1 }],
    ['timeoutMs', { timeoutMs: -1 }],
    ['retries', { retries: 0.5 }],
    ['blockScope', { blockScope: 'page' }],
    ['maxConcurrentPerSite', { maxConcurrentPerSite: 0 }],
    ['maxBodyBytes', { maxBodyBytes: 0 }],
    ['requestTimeoutMs', { requestTimeoutMs: 0 }],
    ['maxCreateFailures', { maxCreateFailures: 0 }],
    ['session', { session: [] }],
    ['session.maxUsageCount', { session: { maxUsageCount: 0 } }],
    ['session.id', { session: { id: 'all the same' } }, 'createSession'],
    ['session.clock', { session: { clock: fakeClock() } }],
    ['session.maxUsageCont', { session: { maxUsageCont: 3 } }, 'maxUsageCount'],
    ['maxPoolsize', { maxPoolsize: 3 }, 'did you mean "maxPoolSize"?'],
    ['timeout', { timeout: 3 }, 'timeoutMs'],
  ])('names %s in %o', async (option, options, hint = '') => {
    const make = () => new SessionPool(options as SessionPoolOptions);
    expect(make).toThrow(OptionError);
    expect(make).toThrow(expect.objectContaining({ option }));
    expect(make).toThrow(hint);
  });

  it.each<[string, object]>([
    ['id', { id: '' }],
    ['url', { url: 'no url' }],
    ['url', { url: 5 }],
    ['site', { site: '' }],
    ['timeoutMs', { timeoutMs: '5' }],
    ['maxHoldMs', { maxHoldMs: 5 }],
    ['signal', { signal: {} }],
    ['singal', { singal: 1 }],
  ])('of acquire: names %s in %o, and takes no session', async (option, options) => {
    await using pool = new SessionPool();
    await expect(pool.acquire(options)).rejects.toMatchObject({ code: 'INVALID_OPTION', option });
    await expect(pool.run(() => {}, options)).rejects.toMatchObject({ code: 'INVALID_OPTION', option });
    expect((await pool.stats()).sessions.usable).toBe(0);
  });

  it('refuses a store that cannot be', async () => {
    await using pool = new SessionPool({ store: 'mysql://nowhere' });
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });
});
