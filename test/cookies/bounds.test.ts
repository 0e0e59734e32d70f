import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { SessionCookies } from '../../src/cookies/session-cookies.ts';

const url = 'https://example.com/';

test('a site keeps 180 cookies, and the oldest written goes first', () => {
  const cookies = new SessionCookies();
  for (let i = 0; i < 180; i++) cookies.storeFromResponse(url, [`c${i}=1`]);
  cookies.storeFromResponse(url, ['c0=1']);
  cookies.storeFromResponse(url, ['d0=1', 'd1=1']);
  expect(cookies.size).toBe(180);
  expect(['c0', 'c1', 'c2', 'c3', 'd0', 'd1'].map((name) => cookies.has(name))).toEqual([
    true,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('expired cookies go before older ones that are still good', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  try {
    const cookies = new SessionCookies({ maxPerSite: 3 });
    cookies.storeFromResponse(url, ['old=1', 'short=1; Max-Age=1', 'mid=1']);
    vi.advanceTimersByTime(2000);
    cookies.storeFromResponse(url, ['new=1']);
    expect(Object.keys(cookies.toObject())).toEqual(['old', 'mid', 'new']);
  } finally {
    vi.useRealTimers();
  }
});

test('all sites together keep maxTotal, the oldest of all going first', () => {
  const cookies = new SessionCookies({ maxTotal: 50 });
  for (let i = 0; i < 50; i++) cookies.storeFromResponse(`https://h${i % 10}.com/`, [`c${i}=1`]);
  cookies.storeFromResponse('https://h0.com/', ['c0=2']);
  for (let i = 50; i < 80; i++) cookies.storeFromResponse(`https://h${i % 10}.com/`, [`c${i}=1`]);
  expect(cookies.size).toBe(50);
  expect([cookies.has('c0'), cookies.has('c30'), cookies.has('c31'), cookies.has('c79')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test('the jar is bounded as well', () => {
  const cookies = new SessionCookies({ maxPerSite: 5 });
  for (let i = 0; i < 20; i++) cookies.jar.setCookieSync(`c${i}=1`, url);
  cookies.jar.setCookieSync(`big=${'x'.repeat(5000)}`, url);
  expect(Object.keys(cookies.toObject())).toEqual(['c15', 'c16', 'c17', 'c18', 'c19']);
});

test('no header makes it throw, break a bound or inject a line', () => {
  const attribute = fc.oneof(
    fc.constantFrom(
      'Secure',
      'HttpOnly',
      'Domain=com',
      'Domain=.example.com',
      'Path=/',
      'Max-Age=0',
      'Max-Age=1e9',
      'Max-Age=-',
      'Expires=',
      'SameSite',
      '=',
      ';',
      'Domain=..',
      'Domain=\u00ff%.example.com',
      'Domain=[fe80::1%25eth0]',
      'Domain=example.com:80',
      'Expires=Thu, 99 Foo 9999 99:99:99',
    ),
    fc.string({ unit: 'binary', maxLength: 30 }),
  );
  const header = fc
    .tuple(
      fc.oneof(fc.constant('a=1'), fc.string({ unit: 'binary', maxLength: 40 })),
      fc.array(attribute, { maxLength: 6 }),
    )
    .map(([pair, attributes]) => [pair, ...attributes].join(';'));
  const from = fc.constantFrom(
    url,
    'http://example.com/a/b',
    'http://127.0.0.1/',
    'http://[::1]/',
    'https://co.uk/',
    'https://example.com/a;b=c/d',
    'https://example.com./',
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(from, fc.array(header, { maxLength: 20 })), { maxLength: 10 }),
      (answers) => {
        const cookies = new SessionCookies({ maxPerSite: 8, maxTotal: 12 });
        for (const [origin, headers] of answers) {
          const stored = cookies.storeFromResponse(origin, headers);
          expect(stored).toBeLessThanOrEqual(headers.length);
          expect(cookies.size).toBeLessThanOrEqual(12);
          expect(cookies.header(origin)).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
          cookies.jar.getCookieStringSync(origin);
        }
        expect(SessionCookies.fromJSON(JSON.parse(JSON.stringify(cookies))).equals(cookies)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test('fromJSON of toJSON holds the same cookies', () => {
  const cookie = fc.record(
    {
      name: fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/),
      value: fc.stringMatching(/^[!-:<-~]{0,30}$/),
      domain: fc.constantFrom(
        undefined,
        'example.com',
        'a.example.com',
        'localhost',
        '127.0.0.1',
        '[::1]',
        'me.github.io',
      ),
      hostOnly: fc.boolean(),
      path: fc.constantFrom('/', '/a', '/a/b'),
      secure: fc.boolean(),
      httpOnly: fc.boolean(),
      sameSite: fc.constantFrom('strict' as const, 'lax' as const, 'none' as const, undefined),
      expiresAt: fc.option(
        fc.integer({ min: 10_000, max: 10 ** 11 }).map((ms) => new Date(Date.now() + ms)),
        { nil: undefined },
      ),
    },
    { requiredKeys: ['name', 'value'] },
  );
  fc.assert(
    fc.property(fc.array(cookie, { maxLength: 40 }), (list) => {
      const cookies = SessionCookies.from(list.filter((item) => !/^__/.test(item.name)));
      const again = SessionCookies.fromJSON(JSON.parse(JSON.stringify(cookies)));
      expect(again.equals(cookies)).toBe(true);
      expect(again.toJSON()).toEqual(cookies.toJSON());
      expect([...again]).toEqual([...cookies]);
    }),
  );
});
