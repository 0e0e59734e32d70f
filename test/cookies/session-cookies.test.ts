import { inspect } from 'node:util';
import { Cookie, CookieJar } from 'tough-cookie';
import { afterEach, expect, test, vi } from 'vitest';
import { SessionCookies, type SessionCookiesInput } from '../../src/cookies/session-cookies.ts';
import { OptionError } from '../../src/errors.ts';

const secret = 'TOP-SECRET-VALUE';
afterEach(() => {
  vi.useRealTimers();
});

test('reads and writes like a map', () => {
  const cookies = new SessionCookies();
  cookies.set('a', '1').set({ name: 'b', value: '2', domain: 'example.com', path: '/x' });
  expect(cookies.size).toBe(2);
  expect(cookies.get('a')).toBe('1');
  expect(cookies.has('b', { domain: '.Example.com' })).toBe(true);
  expect(cookies.has('b', { path: '/' })).toBe(false);
  expect(cookies.toObject()).toEqual({ a: '1', b: '2' });
  expect([...cookies].map((cookie) => cookie.name)).toEqual(['a', 'b']);
  expect(cookies.delete('b')).toBe(true);
  expect(cookies.delete('b')).toBe(false);
  cookies.clear();
  expect(cookies.size).toBe(0);
});

test('of one name, the one written last is read', () => {
  const cookies = new SessionCookies();
  cookies
    .set('a', 'x', { domain: 'one.com' })
    .set('a', 'y', { domain: 'two.com' })
    .set('a', 'z', { domain: 'one.com' });
  expect(cookies.get('a')).toBe('z');
  expect(cookies.get('a', { domain: 'two.com' })).toBe('y');
  expect(cookies.toObject()).toEqual({ a: 'z' });
});

test('a cookie without a domain goes to the first host that is bound, and to no other', () => {
  const cookies = SessionCookies.from({ sid: '1' });
  expect(cookies.isBound).toBe(false);
  expect(cookies.header('https://a.example.com/')).toBe('');
  const waiting = SessionCookies.fromJSON(cookies.toJSON());
  expect(waiting.isBound).toBe(false);
  expect(waiting.bindTo('https://a.example.com/deep/path')).toBe(1);
  expect(waiting.bindTo('https://other.com/')).toBe(0);
  expect(waiting.isBound).toBe(true);
  expect(waiting.header('https://a.example.com/')).toBe('sid=1');
  expect(waiting.header('https://example.com/')).toBe('');
  expect(waiting.header('https://other.com/')).toBe('');
  expect(waiting.find('sid')).toMatchObject({ domain: 'a.example.com', hostOnly: true, path: '/' });
});

test('the revision grows with changes only', () => {
  const cookies = new SessionCookies();
  const url = 'https://example.com/';
  expect(cookies.revision).toBe(0);
  cookies.storeFromResponse(url, ['a=1; Max-Age=3600', 'b=2; Path=/']);
  const revision = cookies.revision;
  expect(revision).toBeGreaterThan(0);
  expect(cookies.storeFromResponse(url, ['a=1; Max-Age=3600', 'b=2; Path=/'])).toBe(2);
  cookies.header(url);
  cookies.get('a');
  cookies.toJSON();
  void [...cookies];
  cookies.jar.getCookieStringSync(url);
  cookies.delete('nobody');
  expect(cookies.revision).toBe(revision);
  cookies.storeFromResponse(url, ['b=3; Path=/']);
  expect(cookies.revision).toBeGreaterThan(revision);
});

test('a Max-Age that is renewed with every answer is seen to move', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  const cookies = new SessionCookies();
  const send = () => cookies.storeFromResponse('https://example.com/', ['a=1; Max-Age=10']);
  send();
  const before = cookies.revision;
  for (let i = 0; i < 12; i++) {
    vi.advanceTimersByTime(900);
    send();
  }
  expect(cookies.revision).toBeGreaterThan(before);
  expect(cookies.header('https://example.com/')).toBe('a=1');
  vi.advanceTimersByTime(10_001);
  expect(cookies.header('https://example.com/')).toBe('');
  expect(cookies.size).toBe(0);
});

test('reading does not prolong a cookie, not even through the jar', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  const cookies = new SessionCookies();
  const url = 'https://example.com/';
  cookies.jar.setCookieSync('a=1; Max-Age=10', url);
  const revision = cookies.revision;
  for (let i = 0; i < 9; i++) {
    vi.advanceTimersByTime(1000);
    expect(cookies.header(url)).toBe('a=1');
    expect(cookies.jar.getCookieStringSync(url)).toBe('a=1');
  }
  vi.advanceTimersByTime(1500);
  expect(cookies.header(url)).toBe('');
  expect(cookies.jar.getCookieStringSync(url)).toBe('');
  expect(cookies.revision).toBe(revision);
});

test('the jar and the session hold the same cookies', async () => {
  const cookies = new SessionCookies();
  const before = cookies.revision;
  await cookies.jar.setCookie('a=1; Domain=example.com; SameSite=Lax', 'https://www.example.com/');
  expect(cookies.revision).toBeGreaterThan(before);
  expect(cookies.header('https://x.example.com/')).toBe('a=1');
  cookies.storeFromResponse('http://[::1]/', ['six=1']);
  expect(await cookies.jar.getCookieString('http://[::1]:81/')).toBe('six=1');
  expect(await cookies.jar.getCookieString('https://example.com/')).toBe('a=1');
  await cookies.jar.setCookie('a=; Max-Age=0; Domain=example.com', 'https://www.example.com/');
  expect(cookies.has('a')).toBe(false);
  await cookies.jar.removeAllCookies();
  expect(cookies.size).toBe(0);
});

test('takes a tough-cookie jar, a list, a record and another session’s cookies', () => {
  const jar = new CookieJar();
  jar.setCookieSync('a=1; Domain=example.com; Max-Age=100; HttpOnly', 'https://example.com/');
  const fromJar = SessionCookies.from(jar);
  expect(fromJar.find('a')).toMatchObject({ domain: 'example.com', hostOnly: false, httpOnly: true });
  expect(fromJar.find('a')!.expiresAt!.getTime() - Date.now()).toBeLessThanOrEqual(100_000);
  const copy = SessionCookies.from(fromJar);
  expect(copy.equals(fromJar)).toBe(true);
  copy.set('b', '2');
  expect(copy.equals(fromJar)).toBe(false);
  expect(fromJar.has('b')).toBe(false);
  const list = SessionCookies.from([
    { name: 'p', value: '1', domain: '.example.com', path: '/', expires: -1, sameSite: 'Lax' },
    { name: 'q', value: '2', expires: Date.now() / 1000 + 60 },
  ]);
  expect(list.find('p')).toMatchObject({ domain: 'example.com', sameSite: 'lax' });
  expect(list.find('p')!.expiresAt).toBeUndefined();
  expect(list.find('q')!.expiresAt!.getTime()).toBeGreaterThan(Date.now());
});

test.each<[string, unknown]>([
  ['cookies.0', [secret]],
  [
    'cookies.1.value',
    [
      { name: 'a', value: '1' },
      { name: 'b', value: `${secret};` },
    ],
  ],
  ['cookies.0.name', [{ name: 'a=b', value: secret }]],
  ['cookies.0.value', [{ name: 'a', value: `${secret}\r\nX: y` }]],
  ['cookies.0.value', [{ name: 'a', value: '\u20ac' }]],
  ['cookies.0.value', [{ name: 'a', value: 'x'.repeat(5000) }]],
  ['cookies.0.domain', [{ name: 'a', value: secret, domain: 'co.uk' }]],
  ['cookies.0.domain', [{ name: 'a', value: secret, domain: 'http://a.com/' }]],
  ['cookies.0.path', [{ name: 'a', value: secret, path: 'x' }]],
  ['cookies.0.expires', [{ name: 'a', value: secret, expires: 'tomorrow' }]],
  ['cookies.0.secure', [{ name: '__Host-a', value: secret, secure: false }]],
  ['cookies.0.domian', [{ name: 'a', value: secret, domian: 'a.com' }]],
  ['cookies.sid', { sid: 5 }],
  ['cookies', 'a=1'],
])('refuses bad input and names %s', (option, input) => {
  const error = grab(() => SessionCookies.from(input as SessionCookiesInput));
  expect(error).toBeInstanceOf(OptionError);
  expect((error as OptionError).option.startsWith(option)).toBe(true);
  expect((error as Error).message).not.toContain(secret);
});

test('a handle that is detached throws, and the next one goes on', () => {
  const first = SessionCookies.from([{ name: 'a', value: '1', domain: 'example.com' }]);
  const { jar } = first;
  first.detach(() => new Error('over'));
  expect(() => first.get('a')).toThrow('over');
  expect(() => first.set('b', '2')).toThrow('over');
  expect(() => first.header('https://example.com/')).toThrow('over');
  expect(() => first.storeFromResponse('https://example.com/', ['x=1'])).toThrow('over');
  expect(() => first.revision).toThrow('over');
  expect(() => first.jar).toThrow('over');
  expect(() => [...first]).toThrow('over');
  expect(() => jar.setCookieSync('x=1', 'https://example.com/')).toThrow('over');
  expect(() => jar.getCookieStringSync('https://example.com/')).toThrow('over');
  expect(() => jar.removeAllCookiesSync()).toThrow('over');
  expect(() => jar.serializeSync()).toThrow('over');
  expect(inspect(first)).toBe('SessionCookies (ended)');
});

test('an ended handle still says what is stored, and hands it on again and again', () => {
  const url = 'https://example.com/';
  const stored = new SessionCookies();
  stored.storeFromResponse(url, ['a=1']);
  stored.detach(() => new Error('over'));
  expect(stored.size).toBe(1);
  expect(stored.toJSON()).toMatchObject([{ name: 'a', value: '1' }]);
  expect(stored.clone().header(url)).toBe('a=1');
  expect(stored.clone().clone().header(url)).toBe('a=1');
});

test('no change of one reaches a clone or what it was cloned from, through its jar or any other way', async () => {
  const url = 'https://example.com/';
  const stored = SessionCookies.from({ unbound: '0' }).set({ name: 'a', value: '1', domain: 'example.com' });
  const changes: ((cookies: SessionCookies) => unknown)[] = [
    (cookies) => cookies.set({ name: 'a', value: '2', domain: 'example.com' }),
    (cookies) => cookies.delete('a'),
    (cookies) => cookies.clear(),
    (cookies) => cookies.bindTo(url),
    (cookies) => cookies.storeFromResponse(url, ['a=3; Domain=example.com', 'b=4']),
    (cookies) => cookies.jar.setCookie('a=5; Domain=example.com', url),
    (cookies) => cookies.jar.removeAllCookies(),
  ];
  const before = stored.toJSON();
  for (const change of changes) {
    const [changed, untouched] = [stored.clone(), stored.clone()];
    const { revision } = changed;
    await change(changed);
    expect(changed.revision).toBeGreaterThan(revision);
    expect(changed.equals(stored)).toBe(false);
    expect(stored.toJSON()).toEqual(before);
    expect(untouched.toJSON()).toEqual(before);
    stored.set({ name: 'a', value: '1', domain: 'example.com' });
  }
});

test('the limits go with the cookies from handle to handle', () => {
  const cookies = new SessionCookies({ maxPerSite: 2 }).clone();
  cookies.storeFromResponse('https://example.com/', ['a=1', 'b=1', 'c=1']);
  expect(cookies.size).toBe(2);
  const copy = cookies.clone();
  copy.set({ name: 'd', value: '1', domain: 'example.com' });
  expect(Object.keys(copy.toObject())).toEqual(['c', 'd']);
});

test('a clone keeps which cookie was written last and which was created first', () => {
  const url = 'https://example.com/';
  const cookies = new SessionCookies({ maxPerSite: 2 });
  cookies.storeFromResponse(url, ['a=1', 'b=2', 'a=3']);
  const copy = cookies.clone();
  expect(copy.header(url)).toBe('a=3; b=2');
  copy.storeFromResponse(url, ['c=4']);
  expect(copy.header(url)).toBe('a=3; c=4');
});

test('a header changes when a cookie expires, path by path', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  const cookies = new SessionCookies();
  const from = 'https://example.com/';
  cookies.storeFromResponse(from, ['a=1; Max-Age=5', 'b=2; Path=/x; Max-Age=10', 'c=3']);
  const headers = () =>
    ['/', '/x', '/x/y', '/xy'].map((path) => cookies.header(`https://example.com${path}?q`));
  expect(headers()).toEqual(['a=1; c=3', 'b=2; a=1; c=3', 'b=2; a=1; c=3', 'a=1; c=3']);
  expect(headers()).toEqual(['a=1; c=3', 'b=2; a=1; c=3', 'b=2; a=1; c=3', 'a=1; c=3']);
  vi.advanceTimersByTime(5000);
  expect(headers()).toEqual(['c=3', 'b=2; c=3', 'b=2; c=3', 'c=3']);
  const { revision } = cookies;
  vi.advanceTimersByTime(5000);
  expect(headers()).toEqual(['c=3', 'c=3', 'c=3', 'c=3']);
  expect(cookies.toJSON()).toHaveLength(1);
  expect(cookies.revision).toBe(revision);
});

test('got and its like use the jar: by promise, by callback, told of errors or not', async () => {
  const { jar } = new SessionCookies();
  const url = 'https://www.example.com/';
  await expect(jar.setCookie('a=1; Domain=other.com', url)).rejects.toThrow('domain');
  expect(await jar.setCookie('a=1; Domain=other.com', url, { ignoreError: true })).toBeUndefined();
  expect(await jar.setCookie('__secure-a=1', url)).toBeUndefined();
  expect((await jar.setCookie('b=2', new URL(url)))?.key).toBe('b');
  const stored = await new Promise((resolve) =>
    jar.setCookie('c=3', url, (_error, cookie) => resolve(cookie?.key)),
  );
  expect(stored).toBe('c');
  expect(await jar.getCookieString(url)).toBe('b=2; c=3');
  expect((await jar.serialize()).cookies).toHaveLength(2);
});

test('a cookie that the jar gave can be changed and set again', () => {
  const cookies = new SessionCookies();
  const url = 'https://github.io/';
  cookies.storeFromResponse(url, ['__Host-a=1; Secure; Path=/']);
  const { revision } = cookies;
  const cookie = cookies.jar.getCookiesSync(url)[0]!;
  cookie.value = '2';
  cookies.jar.setCookieSync(cookie, url);
  expect(cookies.header(url)).toBe('__Host-a=2');
  expect(cookies.revision).toBeGreaterThan(revision);
});

test('the jar takes no cookie object that could not be sent or read back', () => {
  const cookies = new SessionCookies();
  const parts = [
    { key: 'a', value: '1\r\nX: y' },
    { key: 'a=b', value: '1' },
    { key: 'a', value: '1;2' },
    { key: '', value: '' },
    { key: 'a', value: '\u20ac' },
  ];
  for (const part of parts) cookies.jar.setCookieSync(new Cookie(part), 'https://example.com/');
  expect(cookies.size).toBe(0);
});

test('two sessions share nothing', () => {
  const one = new SessionCookies();
  const two = new SessionCookies();
  one.storeFromResponse('https://example.com/', ['sid=one']);
  two.storeFromResponse('https://example.com/', ['sid=two']);
  const copy = one.clone();
  one.storeFromResponse('https://example.com/', ['sid=changed']);
  expect([one, two, copy].map((cookies) => cookies.header('https://example.com/'))).toEqual([
    'sid=changed',
    'sid=two',
    'sid=one',
  ]);
});

test('printing never shows a name or a value', () => {
  const cookies = SessionCookies.from([
    { name: 'sid', value: secret, domain: 'example.com' },
    { name: 'u', value: secret },
  ]);
  void cookies.jar;
  for (const text of [
    inspect(cookies.jar, { depth: 9, showHidden: true }),
    inspect(cookies),
    inspect({ cookies }, { depth: 9, showHidden: true }),
    String(cookies),
    inspect(cookies.jar, { depth: 9 }),
  ]) {
    expect(text).not.toContain(secret);
  }
  expect(String(cookies)).toBe('SessionCookies (2 of 1 sites, 1 not bound to a host)');
});

test('JSON is the same object until something changes, and says only what is not a default', () => {
  const cookies = SessionCookies.from([
    { name: 'a', value: '1', domain: 'localhost' },
    { name: 'b', value: '2' },
  ]);
  const json = cookies.toJSON();
  expect(json).toEqual([
    { name: 'a', value: '1', domain: 'localhost', hostOnly: true },
    { name: 'b', value: '2' },
  ]);
  expect(cookies.toJSON()).toBe(json);
  cookies.set('c', '3');
  expect(cookies.toJSON()).not.toBe(json);
});

function grab(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}
