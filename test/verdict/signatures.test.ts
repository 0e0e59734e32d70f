import { describe, expect, it } from 'vitest';
import { type Answer, LOOKED_AT_BYTES, pageOf } from '../../src/verdict/answer.ts';
import { isSureBlockPage, judge } from '../../src/verdict/judge.ts';
import { matchSignature, type Signature, SignatureSet, signatures } from '../../src/verdict/signatures.ts';
import { readAnswers } from './data/read.ts';

const samples = readAnswers('samples');
const innocents = readAnswers('innocents');
const nothingIsBlocked = { isBlockedStatus: () => false };
const find = (answer: Answer) => matchSignature(answer, pageOf(answer))?.signature.name;
const page = (body: string | Uint8Array, contentType = 'text/html'): Answer => ({
  status: 200,
  headers: new Headers({ 'content-type': contentType }),
  body: typeof body === 'string' ? Buffer.from(body) : body,
});

describe('the signatures', () => {
  it('each have a sample, and no sample is without one', () => {
    expect([...samples.keys()].sort()).toEqual(signatures.map(({ name }) => name).sort());
  });

  it.each([...samples.keys()])('%s: its sample is caught, by it', (name) => {
    expect(find(samples.get(name)!)).toBe(name);
  });

  it.each([...innocents.keys()])('%s is left alone', (name) => {
    expect(find(innocents.get(name)!)).toBeUndefined();
  });

  it.each(signatures)(
    '$name says where it is from, and can be looked for at speed',
    (signature: Signature) => {
      expect(signature.source).toMatch(/^https:\/\//);
      if (signature.verified !== false) expect(signature.verified).toMatch(/^https:\/\//);
      for (const { find } of signature.body ?? []) expect(find).toMatch(/^[\x20-\x7e]{13,}$/);
      expect(signature.title ?? signature.body ?? signature.header ?? signature.url).toBeDefined();
    },
  );

  it('cost what they are worth: unproven a rest, proven on a 2xx a rest first, proven else the full price', () => {
    for (const { name, verified } of signatures) {
      const answer = samples.get(name)!;
      // A 429 is a limit, whoever sends it.
      const { verdict, rule, penalty } = judge({ ...answer, status: 404 }, nothingIsBlocked);
      const soft = judge({ ...answer, status: 200 }, nothingIsBlocked);
      if (name === 'aws-waf') continue;
      expect({ name, verdict, penalty, isSure: isSureBlockPage(rule) }).toEqual({
        name,
        verdict: 'blocked',
        penalty: verified === false ? 'rest' : undefined,
        isSure: verified !== false,
      });
      expect(soft.penalty).toBe(verified === false ? 'rest' : 'rest-first');
    }
    expect(judge(samples.get('aws-waf')!, nothingIsBlocked)).toMatchObject({ penalty: 'rest-first' });
  });

  it('name what they saw, in words that hold nothing of the answer', () => {
    const said = [...samples.values()].map((answer) => judge(answer, nothingIsBlocked));
    expect(said.every(({ rule, evidence }) => rule !== '' && evidence.startsWith('status '))).toBe(true);
    expect(judge(samples.get('cloudflare-challenge')!, nothingIsBlocked)).toEqual({
      verdict: 'blocked',
      rule: 'block page cloudflare-challenge',
      evidence: 'status 403, header cf-mitigated',
    });
    expect(judge(samples.get('fastly-challenge')!, nothingIsBlocked)).toEqual({
      verdict: 'blocked',
      rule: 'block page fastly-challenge (unverified)',
      evidence: 'status 200, cookie _fs_ch_st_, title',
      penalty: 'rest',
    });
    expect(judge(samples.get('kasada-challenge')!, nothingIsBlocked)).toEqual({
      verdict: 'rate-limited',
      rule: 'status 429',
      evidence: 'status 429, kasada-challenge',
    });
    expect(judge(samples.get('akamai-denied')!, { isBlockedStatus: (status) => status === 403 })).toEqual({
      verdict: 'blocked',
      rule: 'blocked status',
      evidence: 'status 403, akamai-denied',
    });
  });
});

describe('what is looked at', () => {
  const marker = '<div id="sec-if-cpt-container"></div>';

  it('is the first 64 KB of a body, and not a byte more', () => {
    const filler = (length: number) => 'x'.repeat(length);
    expect(find(page(filler(LOOKED_AT_BYTES - marker.length) + marker))).toBe('akamai-challenge');
    expect(find(page(filler(LOOKED_AT_BYTES - 10) + marker))).toBeUndefined();
  });

  it.each(['image/png', 'application/octet-stream', 'video/mp4', 'application/pdf', 'font/woff2'])(
    'is no %s',
    (type) => expect(find(page(marker, type))).toBeUndefined(),
  );

  it.each(['', 'text/html; charset=koi8-r', 'application/xhtml+xml', 'text/plain'])(
    'is text: "%s"',
    (type) => {
      const answer = page(marker, type);
      if (type === '') (answer.headers as Headers).delete('content-type');
      expect(find(answer)).toBe('akamai-challenge');
    },
  );

  it('is a view of bytes in the middle of others too', () => {
    const bytes = Buffer.from(`${marker}${'y'.repeat(100)}`);
    expect(find(page(bytes.subarray(marker.length)))).toBeUndefined();
    expect(find(page(Buffer.from(`abc${marker}`).subarray(3)))).toBe('akamai-challenge');
  });

  it('is an answer without a body, too', () => {
    const headers = new Headers({ 'cf-mitigated': 'challenge' });
    expect(find({ status: 200, headers })).toBe('cloudflare-challenge');
    expect(find({ status: 200, headers, body: new Uint8Array() })).toBe('cloudflare-challenge');
    expect(find({ status: 200, headers: new Headers() })).toBeUndefined();
  });
});

describe('a signature', () => {
  const base = { name: 'made-up', vendor: 'test', source: 'https://x.example/', verified: false } as const;
  const matches = (signature: Partial<Signature>, answer: Answer) =>
    new SignatureSet([{ ...base, ...signature }]).match(answer, pageOf(answer)) !== undefined;

  it('asks for all of its signs', () => {
    const both: Partial<Signature> = {
      status: [200],
      body: [{ find: 'first-literal' }, { find: 'other-literal' }],
    };
    expect(matches(both, page('first-literal other-literal'))).toBe(true);
    expect(matches(both, page('other-literal first-literal'))).toBe(true);
    expect(matches(both, page('first-literal'))).toBe(false);
    expect(matches(both, { ...page('first-literal other-literal'), status: 404 })).toBe(false);
  });

  it('finds a literal that begins another, and one beside what only begins like it', () => {
    const nested: Partial<Signature> = { body: [{ find: 'abcdefghij' }, { find: 'abcdefghijklm' }] };
    expect(matches(nested, page('abcdefghi abcdefghijklm'))).toBe(true);
    expect(matches(nested, page('abcdefghij'))).toBe(false);
  });

  it('tells a script from what is written about one', () => {
    const inScript: Partial<Signature> = { body: [{ find: 'window.secretProps', inScript: true }] };
    expect(matches(inScript, page('<script>var a = 1 < 2; window.secretProps = 1</script>'))).toBe(true);
    expect(matches(inScript, page('<script>1</script><code>window.secretProps</code>'))).toBe(false);
    expect(matches(inScript, page('window.secretProps'))).toBe(false);
  });

  it('is not tired out by a page full of its literal', () => {
    const near: Partial<Signature> = {
      body: [{ find: 'data-sitekey=', near: '<x[^<>]{0,200}data-sitekey=' }],
    };
    const full = page('data-sitekey='.repeat(5_000));
    const before = process.cpuUsage();
    expect(matches(near, full)).toBe(false);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(200);
  });
});
