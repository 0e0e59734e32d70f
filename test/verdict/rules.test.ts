import { describe, expect, it } from 'vitest';
import type { RuleError } from '../../src/errors.ts';
import type { Answer } from '../../src/verdict/answer.ts';
import { judge } from '../../src/verdict/judge.ts';
import { readRules, type VerdictRule } from '../../src/verdict/rules.ts';

const answer = (more: Partial<Answer> & { type?: string } = {}): Answer => ({
  status: 200,
  headers: new Headers({ 'content-type': more.type ?? 'text/html', 'x-limit': 'soft; token=secret' }),
  url: 'https://shop.example/item/1?token=secret',
  redirected: false,
  body: Buffer.from('<title>Shop</title><p>Sold out for robots</p>'),
  ...more,
});

function judged(rules: readonly VerdictRule[], given: Answer = answer(), hasProxy = false) {
  const errors: RuleError[] = [];
  const judgement = judge(given, {
    isBlockedStatus: (status) => status === 403,
    hasProxy,
    rules: readRules(rules),
    onRuleError: (error) => errors.push(error),
  });
  return { ...judgement, errors };
}

describe('a rule', () => {
  const blocked = { name: 'mine', verdict: 'blocked' } as const;
  const there = { url: 'https://shop.example/login?next=%2F', redirected: true };
  it.each([
    [{ status: 200 }, {}, 'status 200'],
    [{ status: [404, 200] }, {}, 'status 200'],
    [{ status: 404 }, {}, undefined],
    [{ header: { 'X-Limit': true } }, {}, 'header x-limit'],
    [{ header: { 'x-limit': 'soft' } }, {}, 'header x-limit'],
    [{ header: { 'x-limit': /^SOFT/i } }, {}, 'header x-limit'],
    [{ header: { 'x-limit': /^hard/ } }, {}, undefined],
    [{ header: { 'x-none': true } }, {}, undefined],
    [{ url: '/item' }, {}, 'address "/item"'],
    [{ url: '/item/1' }, {}, 'address "/item/1"'],
    [{ url: '/ite' }, {}, undefined],
    [{ url: /^https:\/\/shop\.example\// }, {}, 'address /^https:\\/\\/shop\\.example\\//'],
    [{ url: /other/ }, {}, undefined],
    [{ redirectedTo: '/login' }, there, 'redirected to "/login"'],
    [{ redirectedTo: '/login' }, { ...there, redirected: false }, undefined],
    [{ redirectedTo: '/signin' }, there, undefined],
    [{ body: 'for robots' }, {}, '"for robots" in the page'],
    [{ body: /sold\s+out/i }, {}, '/sold\\s+out/i in the page'],
    [{ body: 'For Robots' }, {}, undefined],
    [{ body: 'for robots' }, { type: 'image/png' }, undefined],
    [{ test: () => true }, {}, 'its test'],
    [{ test: () => 'two robots' }, {}, 'two robots'],
    [{ test: () => '' }, {}, undefined],
    [{ test: () => undefined }, {}, undefined],
    [{ test: ({ body }) => body.includes('robots') }, {}, 'its test'],
    [{ test: ({ body }) => body === '' }, { type: 'image/png' }, 'its test'],
    [
      { test: ({ status, url, headers }) => `${status} ${url.length} ${headers.has('x-limit')}` },
      {},
      '200 40 true',
    ],
    [{ status: 200, body: 'robots' }, {}, 'status 200, "robots" in the page'],
    [{ status: 404, body: 'robots' }, {}, undefined],
  ] as [Partial<VerdictRule>, object, string | undefined][])('%o on %o: %s', (asked, more, evidence) => {
    const { verdict, rule, errors, ...rest } = judged([{ ...blocked, ...asked }], answer(more));
    expect(errors).toEqual([]);
    if (evidence === undefined)
      expect({ verdict, rule }).toEqual({ verdict: 'ok', rule: 'no sign of trouble' });
    else expect({ verdict, rule, rest }).toEqual({ verdict: 'blocked', rule: 'mine', rest: { evidence } });
  });

  it('is asked before the verdict table, the first that matches decides', () => {
    const fine: VerdictRule = { name: 'shown to all', verdict: 'ok', status: 403 };
    const bad: VerdictRule = { name: 'forbidden', verdict: 'failed', status: 403 };
    expect(judged([fine, bad], answer({ status: 403 }))).toMatchObject({
      verdict: 'ok',
      rule: 'shown to all',
    });
    expect(judged([bad, fine], answer({ status: 403 }))).toMatchObject({
      verdict: 'failed',
      rule: 'forbidden',
    });
    const challenge = new Headers({ 'cf-mitigated': 'challenge' });
    expect(judged([{ ...fine, status: 200 }], answer({ headers: challenge })).verdict).toBe('ok');
  });

  it('that limits takes the wait that the answer names', () => {
    const soft: VerdictRule = { name: 'soft limit', verdict: 'rate-limited', body: 'robots' };
    expect(judged([soft])).not.toHaveProperty('retryAfterMs');
    const headers = new Headers({ 'retry-after': '9' });
    expect(judged([soft], answer({ headers }))).toMatchObject({
      verdict: 'rate-limited',
      retryAfterMs: 9_000,
    });
  });

  it('blames a proxy only where there is one', () => {
    const proxy: VerdictRule = { name: 'its own page', verdict: 'proxy-failed', body: 'robots' };
    expect(judged([proxy]).verdict).toBe('ok');
    expect(judged([proxy], answer(), true).verdict).toBe('proxy-failed');
  });

  it('on the body waits until there is one', () => {
    const { body: _, ...head } = answer();
    const empty: VerdictRule = { ...blocked, test: ({ body }) => !body.includes('</html>') };
    expect(judged([empty], head).verdict).toBe('ok');
    expect(judged([empty], answer({ body: new Uint8Array() })).verdict).toBe('blocked');
  });

  it('reads the body by its charset, and an unknown one as UTF-8', () => {
    const cyrillic: VerdictRule = { ...blocked, body: 'Доступ' };
    const koi8 = Buffer.from([0xe4, 0xcf, 0xd3, 0xd4, 0xd5, 0xd0]);
    expect(judged([cyrillic], answer({ body: koi8, type: 'text/html; charset="koi8-r"' })).verdict).toBe(
      'blocked',
    );
    expect(judged([cyrillic], answer({ body: koi8 })).verdict).toBe('ok');
    const utf8 = Buffer.from('Доступ');
    expect(judged([cyrillic], answer({ body: utf8, type: 'text/html; charset=nonsense' })).verdict).toBe(
      'blocked',
    );
  });

  it('finds the same again: an expression with memory has none here', () => {
    const rules = readRules([{ ...blocked, body: /robots/g, url: /item/y }]);
    const sticky = readRules([{ ...blocked, body: /robots/gy }]);
    for (let time = 0; time < 3; time++) {
      expect(sticky[0]!.match(answer(), undefined)).toBeUndefined();
      expect(judge(answer(), { isBlockedStatus: () => false, rules }).verdict).toBe('blocked');
    }
  });

  it('cuts its evidence', () => {
    expect(judged([{ ...blocked, test: () => 'x'.repeat(500) }]).evidence).toHaveLength(120);
  });

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('no such field');
      },
      /^rule "mine" threw/,
    ],
    ['answers a number', () => 1, /^the test of rule "mine" must answer true, false or a text; got 1$/],
    ['is async', async () => false, /"mine" must answer .*got a Promise; it must not be async$/],
    [
      'rejects',
      async () => {
        throw new Error('later');
      },
      /must not be async$/,
    ],
  ])('that %s is named, and judging goes on without it', (_, test, message) => {
    const broken: VerdictRule = { ...blocked, test: test as never };
    const next: VerdictRule = { name: 'next', verdict: 'failed', status: 200 };
    const { verdict, rule, errors } = judged([broken, next]);
    expect({ verdict, rule }).toEqual({ verdict: 'failed', rule: 'next' });
    expect(errors).toMatchObject([
      { name: 'RuleError', code: 'RULE_FAILED', rule: 'mine', message: expect.stringMatching(message) },
    ]);
  });
});

describe('a list of rules is refused', () => {
  const fine = { name: 'a', verdict: 'ok', status: 200 };
  it.each([
    ['a rule', 'option "rules" must be a list of rules; got a string of 6 characters'],
    [[null], 'option "rules.0" must be an object; got null'],
    [
      [{ verdict: 'ok', status: 200 }],
      'option "rules.0.name" must be a string that is not empty; got undefined',
    ],
    [[fine, { ...fine }], 'there are two rules named "a"; name each another'],
    [[{ ...fine, verdict: 'bloked' }], /"rules.0.verdict" must be one of .*; did you mean "blocked"\?$/],
    [[{ ...fine, verdict: undefined }], /"rules.0.verdict" must be one of "ok", .*; got undefined$/],
    [[{ ...fine, stats: 200 }], 'unknown option "rules.0.stats"; did you mean "status"?'],
    [
      [{ name: 'a', verdict: 'ok' }],
      /^rule "a" asks for nothing, and would match every answer; give one of "status"/,
    ],
    [[{ ...fine, status: 20 }], 'option "rules.0.status" must be a whole number between 100 and 999; got 20'],
    [[{ ...fine, status: [200, '404'] }], /"rules.0.status" must be a whole number/],
    [[{ ...fine, status: [] }], /"rules.0.status" must be a status or a list of them/],
    [
      [{ ...fine, header: 'x-limit' }],
      'option "rules.0.header" must be an object of header names; got a string of 7 characters',
    ],
    [[{ ...fine, header: {} }], /"rules.0.header" must be an object of header names/],
    [[{ ...fine, header: { 'x limit': true } }], /"rules.0.header" names a header that cannot be/],
    [
      [{ ...fine, header: { 'x-limit': 1 } }],
      'option "rules.0.header.x-limit" must be a text that is not empty, or a RegExp; got 1',
    ],
    [
      [{ ...fine, url: 'login' }],
      'option "rules.0.url" must be a path that begins with "/", or a RegExp; got a string of 5 characters',
    ],
    [[{ ...fine, redirectedTo: 5 }], /"rules.0.redirectedTo" must be a path/],
    [[{ ...fine, body: '' }], /"rules.0.body" must be a text that is not empty, or a RegExp/],
    [[{ ...fine, test: 'robots' }], 'option "rules.0.test" must be a function; got a string of 6 characters'],
  ])('%o', (rules, message) => {
    expect(() => readRules(rules)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    );
  });
});
