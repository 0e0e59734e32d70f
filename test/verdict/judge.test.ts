import { describe, expect, it } from 'vitest';
import { isGraver, judge, type Verdict } from '../../src/verdict/judge.ts';
import { retryAfterMs } from '../../src/verdict/retry-after.ts';

const blocked = [401, 403, 429];
const context = { isBlockedStatus: (status: number) => blocked.includes(status) };

describe('judge', () => {
  const cases: [status: number, headers: Record<string, string>, verdict: string, rule: string][] = [
    [200, {}, 'ok', 'no sign of trouble'],
    [204, {}, 'ok', 'no sign of trouble'],
    [302, {}, 'ok', 'no sign of trouble'],
    [404, {}, 'ok', 'no sign of trouble'],
    [407, {}, 'ok', 'no sign of trouble'],
    [401, {}, 'blocked', 'blocked status'],
    [403, {}, 'blocked', 'blocked status'],
    [403, { 'retry-after': '5' }, 'blocked', 'blocked status'],
    [429, {}, 'rate-limited', 'status 429'],
    [429, { 'retry-after': '2' }, 'rate-limited', 'status 429'],
    [503, { 'retry-after': '2' }, 'rate-limited', 'status 503 with retry-after'],
    [503, {}, 'failed', 'server error'],
    [500, { 'retry-after': '2' }, 'failed', 'server error'],
    [599, {}, 'failed', 'server error'],
  ];
  it.each(cases)('%i %o is %s', (status, headers, verdict, rule) => {
    expect(judge({ status, headers: new Headers(headers) }, context)).toMatchObject({ verdict, rule });
  });

  it('takes no answer for the proxy’s: the transport has taken those out, and a site may send a 407', () => {
    const outcome = { status: 407, headers: new Headers({ 'proxy-authenticate': 'Basic' }) };
    for (const hasProxy of [true, false]) expect(judge(outcome, { ...context, hasProxy }).verdict).toBe('ok');
  });

  it('holds against the proxy what its transport found to be the proxy’s', () => {
    const failed = { error: Object.assign(new Error(), { code: 'FETCH_TIMEOUT', proxyFault: 'exit' }) };
    expect(judge(failed, { ...context, hasProxy: true })).toMatchObject({ verdict: 'proxy-failed' });
    expect(judge(failed, context)).toMatchObject({ verdict: 'failed' });
    const certificate = { error: Object.assign(new Error(), { code: 'FETCH_CONNECT' }) };
    expect(judge(certificate, { ...context, hasProxy: true })).toMatchObject({ verdict: 'failed' });
  });

  it('names the wait that the site asked for', () => {
    const outcome = { status: 429, headers: new Headers({ 'retry-after': '2' }) };
    expect(judge(outcome, context)).toEqual({
      verdict: 'rate-limited',
      rule: 'status 429',
      evidence: 'status 429, retry after 2000 ms',
      retryAfterMs: 2000,
    });
  });

  it('takes an error for a failure, with its code as evidence and never its words', () => {
    const error = Object.assign(new TypeError('fetch failed for user:secret'), { code: 'FETCH_RESET' });
    expect(judge({ error }, context)).toEqual({
      verdict: 'failed',
      rule: 'network error',
      evidence: 'FETCH_RESET',
    });
    expect(judge({ error: 'odd' }, context).verdict).toBe('failed');
  });

  it('knows which verdict outweighs which', () => {
    const of = (verdict: Verdict, more: object = {}) => ({ verdict, rule: '', evidence: '', ...more });
    expect(isGraver(of('blocked'), of('rate-limited'))).toBe(true);
    expect(isGraver(of('rate-limited'), of('failed'))).toBe(true);
    expect(isGraver(of('failed'), of('ok'))).toBe(true);
    expect(isGraver(of('ok'), of('ok'))).toBe(false);
    expect(isGraver(of('blocked'), of('blocked', { penalty: 'rest' }))).toBe(true);
    expect(isGraver(of('blocked'), of('blocked', { by: 'other.example' }))).toBe(true);
    expect(isGraver(of('blocked', { penalty: 'rest' }), of('blocked'))).toBe(false);
    expect(isGraver(of('blocked'), of('blocked'))).toBe(false);
  });
});

describe('Retry-After', () => {
  const date = 'Sun, 22 Nov 2026 10:00:00 GMT';
  const cases: [headers: Record<string, string>, ms: number | undefined, why: string][] = [
    [{}, undefined, 'no header'],
    [{ 'retry-after': '0' }, 0, 'zero seconds'],
    [{ 'retry-after': ' 120 ' }, 120_000, 'seconds'],
    [{ 'retry-after': '1.5' }, 1_500, 'a fraction, which some sites send'],
    [{ 'retry-after': '-1' }, undefined, 'a negative number'],
    [{ 'retry-after': 'soon' }, undefined, 'a word'],
    [
      { 'retry-after': 'Sun, 22 Nov 2026 10:01:00 GMT', date },
      60_000,
      'an HTTP date, from the answer’s own Date',
    ],
    [{ 'retry-after': 'Sunday, 22-Nov-26 10:01:00 GMT', date }, 60_000, 'the obsolete RFC 850 form'],
    [{ 'retry-after': 'Sun Nov 22 10:01:00 2026', date }, 60_000, 'the obsolete asctime form'],
    [{ 'retry-after': 'Sun, 22 Nov 2026 09:00:00 GMT', date }, 0, 'a date that has passed'],
    [{ 'retry-after': 'Sun, 99 Nov 2026 10:01:00 GMT', date }, undefined, 'a date that is none'],
    [{ 'retry-after': '9'.repeat(400) }, Number.MAX_SAFE_INTEGER, 'more digits than a number has'],
  ];
  it.each(cases)('%o is %s ms: %s', (headers, ms) => {
    expect(retryAfterMs(new Headers(headers))).toBe(ms);
  });

  it('counts a date from our own clock where the answer has no Date', () => {
    const headers = new Headers({ 'retry-after': 'Sun, 22 Nov 2026 10:01:00 GMT' });
    expect(retryAfterMs(headers, Date.parse(date))).toBe(60_000);
  });
});
