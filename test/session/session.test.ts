import { inspect } from 'node:util';
import fc from 'fast-check';
import { CookieJar } from 'tough-cookie';
import { describe, expect, it } from 'vitest';
import { OptionError, Session, SessionCookies, StateError } from '../../src/index.ts';

const clock = (start = Date.parse('2026-11-22T10:00:00Z')) => {
  let now = start;
  return { now: () => now, monotonic: () => now, advance: (ms: number) => (now += ms) };
};

describe('a new session', () => {
  it('has the defaults of the contract', () => {
    const at = clock();
    const session = new Session({ clock: at });
    expect(session.getState({ asDict: true })).toMatchObject({
      maxAgeMs: 3_000_000,
      userData: {},
      maxErrorScore: 3,
      errorScoreDecrement: 0.5,
      createdAt: '2026-11-22T10:00:00.000Z',
      expiresAt: '2026-11-22T10:50:00.000Z',
      usageCount: 0,
      errorScore: 0,
      maxUsageCount: 50,
      cookies: [],
      blockedStatusCodes: [401, 403, 429],
      proxy: null,
      fingerprint: null,
    });
    expect(session.status).toBe('usable');
    expect(session.isUsable).toBe(true);
  });

  it('has an unguessable, URL-safe id of its own', () => {
    const ids = Array.from({ length: 1000 }, () => new Session().id);
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });

  it('never expires with maxAgeMs null, and is never used up with maxUsageCount null', () => {
    const at = clock();
    const session = new Session({ maxAgeMs: null, maxUsageCount: null, clock: at });
    at.advance(1e12);
    for (let use = 0; use < 1000; use++) session.markGood();
    expect(session.expiresAt).toBeNull();
    expect(session.status).toBe('usable');
  });

  it.each([
    ['name → value', { a: '1', b: '2' }],
    [
      'a list',
      [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ],
    ],
    ['SessionCookies', SessionCookies.from({ a: '1', b: '2' })],
  ])('takes cookies as %s', (_form, cookies) => {
    expect(new Session({ cookies }).cookies.toObject()).toEqual({ a: '1', b: '2' });
  });

  it('takes cookies as a tough-cookie jar, and binds those without a domain to cookiesFor', () => {
    const jar = new CookieJar();
    jar.setCookieSync('a=1', 'https://example.com/');
    expect(new Session({ cookies: jar }).cookies.header('https://example.com/')).toBe('a=1');
    const bound = new Session({ cookies: { a: '1' }, cookiesFor: 'https://example.com/x' });
    expect(bound.cookies.header('https://example.com/')).toBe('a=1');
    expect(bound.cookies.header('https://other.com/')).toBe('');
  });

  it('makes no jar until its cookies are asked for', () => {
    const session = new Session();
    expect(session.cookies.size).toBe(0);
    expect(session.cookies.header('https://example.com/')).toBe('');
  });
});

describe('options', () => {
  const wrong: [options: object, option: string, words: RegExp][] = [
    [{ maxAgeMs: -1 }, 'maxAgeMs', /at least 0/],
    [{ maxAgeMs: Number.NaN }, 'maxAgeMs', /got NaN/],
    [{ maxUsageCount: 0 }, 'maxUsageCount', /whole number of at least 1/],
    [{ maxUsageCount: 1.5 }, 'maxUsageCount', /whole number/],
    [{ maxErrorScore: 0 }, 'maxErrorScore', /number/],
    [{ errorScore: '1' }, 'errorScore', /got a string/],
    [{ usageCount: -3 }, 'usageCount', /got -3/],
    [{ errorScoreDecrement: -0.5 }, 'errorScoreDecrement', /at least 0/],
    [{ createdAt: new Date('never') }, 'createdAt', /valid Date/],
    [{ createdAt: 12 }, 'createdAt', /valid Date/],
    [{ id: '' }, 'id', /1 to 200 characters/],
    [{ id: 'a/b' }, 'id', /1 to 200 characters/],
    [{ blockedStatusCodes: [99] }, 'blockedStatusCodes', /HTTP statuses/],
    [{ userData: [] }, 'userData', /an object/],
    [{ proxy: 'not a url' }, 'proxy.url', /must be a URL/],
    [{ proxy: 'ftp://host:21' }, 'proxy.url', /must be a URL/],
    [{ fingerprint: {} }, 'fingerprint.userAgent', /string/],
    [{ cookies: 7 }, 'cookies', /cookie/],
    [{ maxageMs: 5 }, 'maxageMs', /did you mean "maxAgeMs"/],
    [{ coookies: {} }, 'coookies', /did you mean "cookies"/],
    [{ zzzzzzzzz: 1 }, 'zzzzzzzzz', /known: id, maxAgeMs/],
  ];
  it.each(wrong)('%o is refused, naming %s', (options, option, words) => {
    const make = () => new Session(options as never);
    expect(make).toThrow(OptionError);
    expect(make).toThrow(words);
    expect(make).toThrow(expect.objectContaining({ option, code: 'INVALID_OPTION' }));
  });

  it('never shows a proxy’s password in an error', () => {
    try {
      new Session({ proxy: 'gopher://user:hunter2@host' });
    } catch (error) {
      expect(inspect(error)).not.toContain('hunter2');
    }
    expect.assertions(1);
  });
});

describe('health', () => {
  it('is healed by a good use, never below 0, and counts it', () => {
    const session = new Session({ errorScore: 0.7 });
    session.markGood();
    expect(session.errorScore).toBeCloseTo(0.2);
    session.markGood();
    expect(session.errorScore).toBe(0);
    expect(session.usageCount).toBe(2);
  });

  it('is hurt by a bad use, and blocked at maxErrorScore', () => {
    const session = new Session({ maxErrorScore: 2 });
    session.markBad();
    expect(session.status).toBe('usable');
    session.markBad();
    expect(session).toMatchObject({
      errorScore: 2,
      usageCount: 2,
      isBlocked: true,
      status: 'blocked',
      isUsable: false,
    });
  });

  it('is retired for good: at the maximum score, uncounted, and no later mark revives it', () => {
    const session = new Session();
    session.retire('banned');
    expect(session).toMatchObject({ errorScore: 3, usageCount: 0, status: 'retired', isUsable: false });
    for (let use = 0; use < 20; use++) session.markGood();
    expect(session.status).toBe('retired');
    expect(session.errorScore).toBe(3);
  });

  it('does not lower the error score when it retires', () => {
    const session = new Session({ errorScore: 9 });
    session.retire();
    expect(session.errorScore).toBe(9);
  });

  it('expires at its age, to the millisecond', () => {
    const at = clock();
    const session = new Session({ maxAgeMs: 1000, clock: at });
    at.advance(999);
    expect(session.isExpired).toBe(false);
    at.advance(1);
    expect(session).toMatchObject({ isExpired: true, status: 'expired', isUsable: false });
  });

  it('is used up at maxUsageCount, which does not make it blocked', () => {
    const session = new Session({ maxUsageCount: 2 });
    session.markGood();
    session.markGood();
    expect(session).toMatchObject({ isMaxUsageCountReached: true, isBlocked: false, status: 'used-up' });
  });

  it('stays usable while it rests', () => {
    const session = new Session();
    session.rest(60_000);
    session.rest(60_000, { site: 'https://www.example.com/login' });
    expect(session.isUsable).toBe(true);
    expect(session.getState().rests.map(({ site }) => site)).toEqual([null, 'example.com']);
    expect(() => session.rest(-1)).toThrow(OptionError);
  });

  it('keeps its last 20 decisions', () => {
    const session = new Session({ maxErrorScore: 1000 });
    for (let use = 0; use < 30; use++) session.markBad();
    session.retire('enough');
    expect(session.decisions).toHaveLength(20);
    expect(session.decisions.at(-1)).toMatchObject({ verdict: 'retired', rule: 'enough' });
  });
});

describe('isBlockedStatusCode', () => {
  const session = new Session({ blockedStatusCodes: [403] });
  it.each([
    [{ statusCode: 403 }, true],
    [{ statusCode: 429 }, false],
    [{ statusCode: 429, additionalBlockedStatusCodes: [429] }, true],
    [{ statusCode: 403, ignoreHttpErrorStatusCodes: [403] }, false],
    [{ statusCode: 429, additionalBlockedStatusCodes: [429], ignoreHttpErrorStatusCodes: [429] }, false],
  ])('%o is %s', (question, answer) => {
    expect(session.isBlockedStatusCode(question)).toBe(answer);
  });

  it('is true for 429 by default', () => {
    expect(new Session().isBlockedStatusCode({ statusCode: 429 })).toBe(true);
  });
});

/** Sessions in any state that the public interface can bring about. */
const anySession = fc
  .record({
    maxAgeMs: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: null }),
    maxErrorScore: fc.double({ min: 0.1, max: 100, noNaN: true }),
    errorScoreDecrement: fc.double({ min: 0, max: 10, noNaN: true }),
    createdAt: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
    usageCount: fc.nat(),
    errorScore: fc.double({ min: 0, max: 100, noNaN: true }),
    maxUsageCount: fc.option(fc.integer({ min: 1, max: 1e6 }), { nil: null }),
    blockedStatusCodes: fc.array(fc.integer({ min: 100, max: 999 })),
    // JSON has no negative zero, and `__proto__` is not a field that JSON.parse and a literal agree on.
    userData: fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
    ),
    cookies: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-zA-Z0-9]{0,12}$/)),
    marks: fc.array(fc.constantFrom('markGood', 'markBad', 'retire')),
    rests: fc.array(fc.nat()),
    isBound: fc.boolean(),
  })
  .map(({ marks, rests, isBound, ...options }) => {
    const session = new Session({ ...options, ...(isBound ? { cookiesFor: 'https://example.com/' } : {}) });
    for (const mark of marks) session[mark as 'markGood']();
    for (const ms of rests) session.rest(ms);
    return session;
  });

describe('state', () => {
  it('comes back the same from its model, its dict, and its dict as JSON text', () => {
    fc.assert(
      fc.property(anySession, (session) => {
        const model = session.getState();
        const dict = session.getState({ asDict: true });
        const fromModel = Session.fromState(model);
        const fromText = Session.fromState(JSON.parse(JSON.stringify(dict)));
        expect(fromModel.getState()).toEqual(model);
        expect(fromText.getState()).toEqual(model);
        expect(fromModel.equals(session) && fromText.equals(session)).toBe(true);
        expect(fromModel.status).toBe(session.status);
      }),
    );
  });

  it('is immutable, with instants as Date; the dict is plain JSON', () => {
    const session = new Session({ userData: { a: { b: 1 } } });
    const model = session.getState();
    expect(model.createdAt).toBeInstanceOf(Date);
    expect(() => Object.assign(model, { id: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(model.userData.a as object, { b: 2 })).toThrow(TypeError);
    session.userData.a.b = 3;
    expect(model.userData).toEqual({ a: { b: 1 } });
    const dict = session.getState({ asDict: true });
    expect(JSON.parse(JSON.stringify(dict))).toEqual(dict);
  });

  it('is another session’s only when all of it is the same', () => {
    const session = new Session({ cookies: { a: '1' } });
    const other = Session.fromState(session.getState());
    expect(session.equals(other)).toBe(true);
    other.cookies.set('a', '2');
    expect(session.equals(other)).toBe(false);
    expect(session.equals({} as never)).toBe(false);
  });

  const malformed: [change: Record<string, unknown>, field: string][] = [
    [{ usageCount: -1 }, 'usageCount'],
    [{ usageCount: 'many' }, 'usageCount'],
    [{ id: '' }, 'id'],
    [{ createdAt: 'yesterday' }, 'createdAt'],
    [{ expiresAt: 3 }, 'expiresAt'],
    [{ blockedStatusCodes: [403, 'x'] }, 'blockedStatusCodes.1'],
    [{ userData: { a: undefined } }, 'userData.a'],
    [{ cookies: 'a=b' }, 'cookies'],
    [{ cookies: [{ name: 5, value: '' }] }, 'cookies.0.name'],
    [{ proxy: { url: 'secret@proxy' } }, 'proxy.url'],
    [{ fingerprint: { userAgent: 'a', headers: { 'x-a': 'a\r\nb' } } }, 'fingerprint.headers.x-a'],
    [{ fingerprint: { userAgent: 'a\nb' } }, 'fingerprint.userAgent'],
    [{ decisions: [{}] }, 'decisions.0.at'],
    [{ version: 0 }, 'version'],
    [{ minReader: undefined }, 'minReader'],
    [{ usagecount: 1 }, 'usagecount'],
  ];
  it.each(malformed)('%o is refused, naming %s', (change, field) => {
    const state = { ...new Session().getState({ asDict: true }), ...change };
    expect(() => Session.fromState(state)).toThrow(expect.objectContaining({ code: 'INVALID_STATE', field }));
  });

  it.each([null, undefined, 'text', 7, []])('%o is no state', (state) => {
    expect(() => Session.fromState(state as never)).toThrow(StateError);
  });

  it('of a newer version that we may read keeps the fields we do not know', () => {
    const state = {
      ...new Session().getState({ asDict: true }),
      version: 7,
      minReader: 1,
      mood: { today: 'fine' },
    };
    const session = Session.fromState(state);
    session.markGood();
    expect(session.getState({ asDict: true })).toMatchObject({
      version: 7,
      minReader: 1,
      mood: { today: 'fine' },
      usageCount: 1,
    });
  });

  it('of a newer version that we may not read is refused as such', () => {
    const state = { ...new Session().getState({ asDict: true }), version: 7, minReader: 2 };
    expect(() => Session.fromState(state)).toThrow(expect.objectContaining({ code: 'STATE_TOO_NEW' }));
  });

  it('names user data that JSON cannot carry', () => {
    const session = new Session({ userData: { token: 1 } });
    session.userData.hook = () => {};
    expect(() => session.getState()).toThrow(
      expect.objectContaining({ code: 'INVALID_STATE', field: 'userData.hook' }),
    );
  });
});

describe('what it shows', () => {
  it('is its state, and never a cookie value, user data or a proxy password', () => {
    const session = new Session({
      id: 'alice',
      cookies: { sid: 'cookie-secret' },
      userData: { token: 'data-secret' },
      proxy: 'http://user:proxy-secret@proxy.example:8080',
    });
    session.markBad();
    const shown = [
      inspect(session),
      String(session),
      inspect({ deep: [session] }, { depth: 9 }),
      inspect(session.cookies),
    ];
    for (const text of shown) expect(text).not.toMatch(/secret/);
    expect(shown[0]).toContain('Session alice (usable, 1/50 uses, error score 1/3, 1 cookies');
    expect(shown[0]).toContain('http://proxy.example:8080');
    expect(shown[1]).toBe('Session alice (usable, 1/50 uses, error score 1/3)');
  });
});
