import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FINGERPRINT_DEFAULTS } from '../../src/fingerprints/options.ts';
import { POOL_DEFAULTS } from '../../src/pool/options.ts';
import { Session } from '../../src/session/session.ts';
import { defaultImpitTransportOptions } from '../../src/transport/impit.ts';
import { defaultUndiciTransportOptions } from '../../src/transport/undici.ts';
import { root } from './blocks.ts';

const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** Options whose default is not a value, in the words of their doc comments. */
const inWords: Record<string, string> = {
  id: '128 random bits, URL-safe',
  createdAt: 'now',
  clock: "the system's clock",
  store: 'a store in memory',
  proxies: 'none',
  accounts: 'none',
  encryptionKey: '`TROUPE_KEY` of the environment, if it is set',
  blockBreaker: '{ ratio: 0.5, window: 20, pauseMs: 300_000 }',
  createSession: '`(options) => new Session(options)`',
};

/** What the doc comments of one interface call the default of each option. */
function documented(path: string, name: string): Record<string, string> {
  const body = read(path)
    .split(new RegExp(`export interface ${name} (?:extends [^{]*)?\\{`))[1]!
    .split('\n}\n')[0]!;
  const options = [...body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\s+(\w+)\??:/g)].map(
    ([, comment, option]) => [option!, /@default (.+?)\s*(?:\n|$)/.exec(comment!)?.[1]] as const,
  );
  return Object.fromEntries(options.filter(([, text]) => text !== undefined)) as Record<string, string>;
}

/** The first two columns of the tables under a heading: option and default. */
function tabled(path: string, heading: string): Record<string, string> {
  const section = read(path).split(`\n${heading}\n`)[1]!.split(/\n#+ /)[0]!;
  const rows = [...section.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)];
  return Object.fromEntries(rows.map(([, option, text]) => [option, text!.replace(/^`(.*)`$/, '$1')]));
}

/** `3_000_000`, `'round-robin'`, `[401, 403]`; words stay words. */
function valueIn(text: string): unknown {
  try {
    const isNumber = /^[\d_ ]+$/.test(text);
    return JSON.parse(isNumber ? text.replace(/[_ ]/g, '') : text.replaceAll("'", '"'));
  } catch {
    return text;
  }
}

/** Every option of the texts with a value has the real one; what is told in words is known to be. */
function compare(texts: Record<string, string>, real: Record<string, unknown>): void {
  const values = Object.entries(texts).filter(([option]) => inWords[option] === undefined);
  expect(Object.fromEntries(values.map(([option, text]) => [option, valueIn(text)]))).toEqual(real);
}

const session = new Session().getState({ asDict: true });
const sessionReal = Object.fromEntries(
  Object.keys(documented('src/session/options.ts', 'SessionOptions'))
    .filter((option) => inWords[option] === undefined)
    .map((option) => [option, session[option]]),
);

describe('the default in the doc comment is the real one', () => {
  it('of a session', () => {
    const texts = documented('src/session/options.ts', 'SessionOptions');
    compare(texts, sessionReal);
    expect(Object.keys(texts)).toEqual(
      expect.arrayContaining(['maxAgeMs', 'blockedStatusCodes', 'userData']),
    );
    for (const option of ['id', 'createdAt', 'clock']) expect(texts[option]).toBe(inWords[option]);
  });

  it('of a pool', () => {
    const texts = {
      ...documented('src/pool/options.ts', 'SessionPoolOptions'),
      ...documented('src/pool/pace/options.ts', 'PaceOptions'),
      ...documented('src/pool/brakes/options.ts', 'BrakeOptions'),
      ...documented('src/pool/proxies/options.ts', 'ProxyOptions'),
      ...documented('src/pool/accounts/options.ts', 'AccountOptions'),
    };
    compare(texts, POOL_DEFAULTS);
    for (const option of ['store', 'encryptionKey', 'createSession', 'clock'])
      expect(texts[option]).toBe(inWords[option]);
  });

  it('of fingerprints and of transports', () => {
    const { browsers, operatingSystems, locales, ...values } = documented(
      'src/fingerprints/options.ts',
      'FingerprintOptions',
    );
    compare(values, FINGERPRINT_DEFAULTS);
    expect([browsers, operatingSystems]).toEqual([
      'all that the transport can appear as',
      'all of the devices',
    ]);
    expect(locales).toContain('those of the proxy');
    const guide = tabled('docs/fingerprints.md', '## A browser for every session');
    expect([guide.devices, guide.maxVersionsBehind, guide.freeze]).toEqual(["['desktop']", '2', 'false']);
    expect([guide.browsers, guide.operatingSystems, guide.locales]).toEqual([
      browsers,
      operatingSystems,
      locales,
    ]);
    for (const [path, name, real] of [
      ['src/transport/impit.ts', 'ImpitTransportOptions', defaultImpitTransportOptions],
      ['src/transport/undici.ts', 'UndiciTransportOptions', defaultUndiciTransportOptions],
    ] as const) {
      for (const [option, value] of Object.entries(real)) {
        expect(documented(path, name)[option]?.split(',')[0], option).toBe(String(value));
      }
    }
  });

  it('of a call that takes over the default of its pool', () => {
    const acquire = documented('src/pool/options.ts', 'AcquireOptions');
    expect(acquire).toEqual({ timeoutMs: "the pool's `timeoutMs`", maxHoldMs: "the pool's `maxHoldMs`" });
    expect(documented('src/pool/options.ts', 'RunOptions')).toEqual({ retries: '0' });
  });
});

describe('the default in the guide is the real one', () => {
  it('of a session', () => {
    compare(tabled('docs/sessions.md', '## Options'), {
      ...sessionReal,
      cookies: 'none',
      cookiesFor: 'none',
      proxy: 'none',
      fingerprint: 'none',
      account: 'none',
    });
  });

  it('of a pool', () => {
    compare(tabled('docs/pools.md', '## Options'), {
      ...POOL_DEFAULTS,
      session: 'none',
      onCreate: 'none',
      check: 'none',
      refresh: 'none',
      onRetire: 'none',
    });
  });
});
