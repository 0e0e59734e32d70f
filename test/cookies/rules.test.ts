import { describe, expect, test } from 'vitest';
import { SessionCookies } from '../../src/cookies/session-cookies.ts';
import { cookieRules } from './data/rules.ts';

describe('RFC 6265bis', () => {
  test.each(cookieRules)('$rule', ({ from, set, sent }) => {
    const cookies = new SessionCookies();
    cookies.storeFromResponse(from, set);
    for (const [url, header] of Object.entries(sent))
      expect([url, cookies.header(url)]).toEqual([url, header]);
    const again = SessionCookies.fromJSON(JSON.parse(JSON.stringify(cookies)));
    for (const [url, header] of Object.entries(sent)) expect([url, again.header(url)]).toEqual([url, header]);
  });

  test.each(['Strict', 'lax', 'NONE'])('keeps SameSite=%s', (sameSite) => {
    const cookies = new SessionCookies();
    cookies.storeFromResponse('https://example.com/', [`a=1; SameSite=${sameSite}`]);
    expect(cookies.find('a')?.sameSite).toBe(sameSite.toLowerCase());
  });

  test('plain http does not replace what only https can set', () => {
    const cookies = new SessionCookies();
    cookies.storeFromResponse('https://www.example.com/', ['sid=real; Secure; Domain=example.com; Path=/']);
    expect(cookies.storeFromResponse('http://example.com/', ['sid=forged; Path=/'])).toBe(0);
    expect(cookies.storeFromResponse('http://example.com/', ['other=fine'])).toBe(1);
    expect(cookies.header('https://example.com/')).toBe('sid=real; other=fine');
  });

  test.each([
    ['https://example.com/', 'sid=real; Secure', 'http://example.com/', 'sid=forged; Path=/'],
    ['https://example.com/', 'sid=real; Secure', 'http://www.example.com/', 'sid=forged; Domain=example.com'],
    ['https://[::1]/', 'sid=real; Secure', 'http://[::1]/', 'sid=forged'],
    [
      'https://example.com/',
      'sid=real; Secure; Path=/in',
      'http://example.com/',
      'sid=forged; Path=/in/side',
    ],
    ['https://example.com/%C3%A9/', 'sid=real; Secure', 'http://example.com/%C3%A9/x', 'sid=forged'],
  ])('%s %s stays when %s sets %s', (secure, real, plain, forged) => {
    const cookies = new SessionCookies();
    expect(cookies.storeFromResponse(secure, [real])).toBe(1);
    expect(cookies.storeFromResponse(plain, [forged])).toBe(0);
    expect(cookies.storeFromResponse(plain, [forged.replace('sid', '\u00ff')])).toBe(1);
    expect(cookies.storeFromResponse(plain, ['sid=forged; Domain=\u00ff%.example.com'])).toBe(0);
    expect(cookies.get('sid')).toBe('real');
  });

  test('no cookie lives longer than 400 days (5.5)', () => {
    const cookies = new SessionCookies();
    cookies.storeFromResponse('https://example.com/', [
      'a=1; Max-Age=99999999999',
      'b=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT',
    ]);
    for (const { expiresAt } of cookies) {
      expect(expiresAt!.getTime() - Date.now()).toBeLessThanOrEqual(400 * 86_400_000);
    }
  });
});
