import { beforeAll, describe, expect, test } from 'vitest';
import type { BrowserIdentity, BrowserKind } from '../../src/fingerprints/browser-identity.ts';
import { incoherencesOf } from '../../src/fingerprints/coherence.ts';
import { timeZonesIn } from '../../src/fingerprints/country.ts';
import { FingerprintMaker, isBrowserIdentity } from '../../src/fingerprints/fingerprint-maker.ts';
import { type FingerprintOptions, fingerprintOptions } from '../../src/fingerprints/options.ts';
import { fingerprintOf } from '../../src/session/identity.ts';
import { Session } from '../../src/session/session.ts';
import { parseState } from '../../src/session/state.ts';
import { missingPackage } from '../missing-package.ts';

const all = () => true;
/** A transport that knows a few versions, as real ones do. */
const some = ({ browser, version, os }: BrowserKind) =>
  (browser !== 'safari' || os === 'ios') &&
  { chrome: [131, 142], edge: [142], firefox: [135], safari: [18] }[browser].includes(version);

const load = (options: FingerprintOptions = {}, canAppearAs: (kind: BrowserKind) => boolean = all) =>
  FingerprintMaker.load(options, canAppearAs);

const many = (maker: FingerprintMaker, count: number, country?: string) =>
  Array.from({ length: count }, () => maker.make(country));

let everything: FingerprintMaker;
beforeAll(async () => {
  everything = await load({ devices: ['desktop', 'mobile'] });
});

describe('identities', () => {
  test('3000 of them, of all browsers and devices, and not one gives itself away', async () => {
    const countries = ['DE', 'US', 'GB', 'JP', 'BR', 'CH', undefined];
    const backed = await load({ devices: ['desktop', 'mobile'] }, some);
    for (const maker of [everything, backed]) {
      for (let i = 0; i < 1500; i++) {
        const identity = maker.make(countries[i % countries.length]);
        const found = incoherencesOf(identity);
        if (found.length > 0) expect(found, JSON.stringify(identity)).toEqual([]);
      }
    }
  });

  test('differ, are plain JSON, and fit into a session', () => {
    const made = many(everything, 200);
    expect(new Set(made.map((identity) => JSON.stringify(identity.machine))).size).toBeGreaterThan(150);
    for (const identity of made) {
      expect(JSON.parse(JSON.stringify(identity))).toEqual(identity);
      expect(fingerprintOf(identity)).toBe(identity);
      expect(isBrowserIdentity(identity)).toBe(true);
    }
    const session = new Session({ fingerprint: made[0]! });
    expect(parseState(session.getState({ asDict: true })).fingerprint).toEqual(made[0]);
    expect(isBrowserIdentity({ userAgent: 'mine' })).toBe(false);
  });

  test('name only versions that the transport can appear as', async () => {
    const maker = await load({ devices: ['desktop', 'mobile'] }, some);
    for (const identity of many(maker, 300)) expect(some(identity)).toBe(true);
    // 131 is too far behind 142 to be handed out as new.
    expect(maker.browsers.some((name) => name.startsWith('chrome 131'))).toBe(false);
    const older = await load({ maxVersionsBehind: 20 }, some);
    expect(older.browsers.some((name) => name.startsWith('chrome 131'))).toBe(true);
  });

  test('are what the options ask for', async () => {
    const maker = await load({ browsers: ['firefox'], operatingSystems: ['macos'], locales: ['fr-FR'] });
    for (const identity of many(maker, 50)) {
      expect(identity).toMatchObject({ browser: 'firefox', os: 'macos', device: 'desktop', locale: 'fr-FR' });
      expect(identity.headers['Accept-Language']).toBe('fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3');
      expect(identity.timeZone).toBe('Europe/Paris');
    }
    const phones = await load({ devices: ['mobile'] });
    expect(new Set(many(phones, 200).map(({ os }) => os))).toEqual(new Set(['android', 'ios']));
  });

  test('sit and speak where the proxy is', async () => {
    for (const identity of many(everything, 50, 'jp')) {
      expect([identity.locale, identity.timeZone]).toEqual(['ja-JP', 'Asia/Tokyo']);
      expect(identity.headers['Accept-Language']).toMatch(/^ja/);
    }
    const swiss = new Set(many(everything, 300, 'CH').map(({ locale }) => locale));
    expect(swiss).toEqual(new Set(['de-CH', 'fr-CH', 'it-CH']));
    const american = new Set(many(everything, 300, 'US').map(({ timeZone }) => timeZone));
    expect(american).toEqual(new Set(timeZonesIn('US')));
    // A language that was asked for stays; the clock is that of the place.
    const tourists = await load({ locales: ['de-DE'] });
    expect(tourists.make('JP')).toMatchObject({ locale: 'de-DE', timeZone: 'Asia/Tokyo' });
    // A country that is none is no reason to fail.
    expect(everything.make('XQ')).toMatchObject({ locale: 'en-US' });
  });

  test('take well under a millisecond of work each, after the first', () => {
    many(everything, 300);
    const before = process.cpuUsage();
    many(everything, 1000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000 / 1000).toBeLessThan(1);
  });
});

describe('bringing a browser up to date', () => {
  const old = async (canAppearAs = (kind: BrowserKind) => kind.version <= 143) => {
    const maker = await load({ browsers: ['chrome'], operatingSystems: ['windows'] }, canAppearAs);
    return maker.make('DE');
  };

  test('moves headers and version together, and keeps the machine, the place and what else is there', async () => {
    const identity = { ...(await old()), note: 'mine' };
    const maker = await load({}, ({ version }) => version <= 148);
    const next = maker.advance(identity)!;
    expect(next.version).toBe(148);
    expect(next).toMatchObject({ browser: 'chrome', os: 'windows', machine: identity.machine, note: 'mine' });
    expect([next.locale, next.timeZone]).toEqual(['de-DE', 'Europe/Berlin']);
    expect(next.userAgent).toContain('Chrome/148.0.0.0');
    expect(next.headers['sec-ch-ua']).toContain('"Google Chrome";v="148"');
    expect(incoherencesOf(next)).toEqual([]);
    expect(maker.advance(next)).toBeUndefined();
  });

  test('not while it is new enough, not back, and not to what the transport cannot back', async () => {
    const identity = await old();
    const limit = identity.version;
    const of = async (newest: number, options: FingerprintOptions = {}) =>
      (await load(options, ({ version }) => version <= newest)).advance(identity)?.version;
    expect(await of(limit + 2)).toBeUndefined();
    expect(await of(limit + 3)).toBe(limit + 3);
    expect(await of(limit + 3, { maxVersionsBehind: 3 })).toBeUndefined();
    expect(await of(limit + 3, { freeze: true })).toBeUndefined();
    expect(await of(limit - 4)).toBeUndefined();
    expect((await load({}, some)).advance(identity)).toBeUndefined();
  });

  test('also where the options would not make such a browser any more', async () => {
    const maker = await load({ browsers: ['firefox'] });
    expect(maker.advance(await old())?.browser).toBe('chrome');
  });

  test('in the same way for all that are behind', async () => {
    const olderMaker = await load({ devices: ['desktop', 'mobile'] }, ({ version, browser }) =>
      browser === 'safari' ? version <= 18 : version <= 143,
    );
    const maker = await load();
    for (const identity of many(olderMaker, 200)) {
      const next: BrowserIdentity | undefined = maker.advance(identity);
      expect(next && incoherencesOf(next)).toEqual([]);
      expect(next!.version).toBeGreaterThan(identity.version);
      expect(next!.machine).toBe(identity.machine);
    }
  });
});

describe('options', () => {
  test.each<[unknown, string]>([
    [
      { browsers: ['crome'] },
      'option "fingerprints.browsers" names "crome", which is none of the browsers; did you mean "chrome"?',
    ],
    [{ operatingSystems: ['windwos'] }, 'did you mean "windows"?'],
    [{ devices: ['tablet'] }, 'known: desktop, mobile'],
    [{ locales: ['german'] }, 'option "fingerprints.locales" must be a list of locales such as "de-DE"'],
    [{ locales: ['de_DE'] }, 'fingerprints.locales'],
    [{ browsers: [] }, 'fingerprints.browsers'],
    [{ browser: ['chrome'] }, 'did you mean "browsers"?'],
    [{ maxVersionsBehind: -1 }, 'fingerprints.maxVersionsBehind'],
    [{ freeze: 'yes' }, 'fingerprints.freeze'],
  ])('refuses %j', (options, message) => {
    expect(() => fingerprintOptions(options, 'fingerprints')).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });

  test('refuses what leaves no browser', async () => {
    await expect(load({ browsers: ['safari'], operatingSystems: ['windows'] })).rejects.toThrow(
      /leaves no browser.*safari on windows \(desktop\)/s,
    );
    await expect(load({ browsers: ['safari'] }, some)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

test('without the package it says what to install', async () => {
  expect(
    await missingPackage('fingerprint-generator', '../src/fingerprints/generator.ts', 'loadGenerator'),
  ).toBe(
    'MISSING_PACKAGE: fingerprints need the package "fingerprint-generator": npm install fingerprint-generator (2.1.80 or later)',
  );
});
