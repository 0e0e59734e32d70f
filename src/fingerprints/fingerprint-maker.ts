import { OptionError } from '../errors.ts';
import {
  BROWSERS,
  type BrowserIdentity,
  type BrowserKind,
  type BrowserName,
  type DeviceKind,
  OPERATING_SYSTEMS,
  type OperatingSystem,
} from './browser-identity.ts';
import { countryOf, isCountry, localesIn, timeZonesIn } from './country.ts';
import { Drawing, type Place, type SeenBrowser } from './drawing.ts';
import { type Generator, type HeaderConstraints, loadGenerator } from './generator.ts';
import { type CanAppearAs, KnownBrowsers } from './known-browsers.ts';
import { FINGERPRINT_DEFAULTS, type FingerprintOptions } from './options.ts';

/** A browser on a system, with the versions that may be drawn. */
interface Choice {
  readonly browser: BrowserName;
  readonly os: OperatingSystem;
  readonly device: DeviceKind;
  readonly versions: readonly number[];
}

/** Among so many draws there is a coherent one, where there is one at all. */
const MAX_DRAWS = 1000;
/**
 * Browsers that were drawn and found coherent; once there are so many, they are drawn from among them. A part of all that the
 * generator draws contradicts itself, and two of one browser differ in little more than `DNT`: what makes
 * users differ is the machine, which is drawn anew.
 */
const MAX_STOCK = 250;

/** Makes the identities of a pool's sessions, and keeps their browsers up to date. */
export class FingerprintMaker {
  readonly #options: FingerprintOptions;
  readonly #drawing: Drawing;
  readonly #known: KnownBrowsers;
  readonly #choices: readonly Choice[];
  /** Of each browser the oldest and the newest version to draw; each check of an entry costs as much as a draw. */
  readonly #ranges: readonly { name: string; minVersion: number; maxVersion: number }[];
  readonly #maxVersionsBehind: number;
  readonly #stock: SeenBrowser[] = [];

  /**
   * Loads the generator and finds out which browsers both it and the transport know.
   * @throws TroupeError `MISSING_PACKAGE`
   * @throws OptionError where no known browser fits the options
   */
  static async load(options: FingerprintOptions, canAppearAs: CanAppearAs): Promise<FingerprintMaker> {
    return new FingerprintMaker(options, canAppearAs, await loadGenerator());
  }

  private constructor(options: FingerprintOptions, canAppearAs: CanAppearAs, generator: Generator) {
    this.#options = options;
    this.#maxVersionsBehind = options.maxVersionsBehind ?? FINGERPRINT_DEFAULTS.maxVersionsBehind;
    this.#drawing = new Drawing(generator);
    this.#known = new KnownBrowsers(this.#drawing, canAppearAs, this.#maxVersionsBehind);
    this.#choices = this.#choose();
    this.#ranges = rangesOf(this.#choices);
  }

  /** What is drawn from, for people: `chrome 142 on windows`. */
  get browsers(): string[] {
    return this.#choices.flatMap(({ browser, os, versions }) =>
      versions.map((version) => `${browser} ${version} on ${os}`),
    );
  }

  /**
   * A new identity.
   * @param country of the proxy, two letters: it sits there, and unless `locales` are given it speaks as people do there
   */
  make(country?: string): BrowserIdentity {
    const place = this.#place(country);
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const isStocked = this.#stock.length === MAX_STOCK;
      const seen = isStocked ? oneOf(this.#stock) : this.#drawing.draw(this.#constraints());
      if (!seen || seen === 'other' || !this.#isChoice(seen.kind)) continue;
      const identity = this.#drawing.complete(seen, place);
      if (!identity) continue;
      if (!isStocked) this.#stock.push(seen);
      return identity;
    }
    throw new Error(`of ${MAX_DRAWS} browsers drawn, none was coherent`);
  }

  /**
   * The same identity with its browser brought up to date: the newest version known, headers and TLS together, on the same
   * machine. Undefined where it is new enough, or where nothing newer is known; it never goes back.
   */
  advance(identity: BrowserIdentity): BrowserIdentity | undefined {
    if (this.#options.freeze) return undefined;
    const newest = this.#known.newestOf(identity);
    if (newest === undefined || newest - identity.version <= this.#maxVersionsBehind) return undefined;
    const { browser, os, device, locale, timeZone, machine } = identity;
    const kind = { browser, os, device, version: newest };
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const seen = this.#drawing.drawOne(kind);
      if (!seen || seen === 'other') continue;
      const next = this.#drawing.complete(seen, { locale, timeZone }, machine);
      if (next) return { ...identity, ...next };
    }
    return undefined;
  }

  #choose(): Choice[] {
    const { browsers = BROWSERS, operatingSystems = OPERATING_SYSTEMS } = this.#options;
    const { devices = FINGERPRINT_DEFAULTS.devices } = this.#options;
    const choices: Choice[] = [];
    for (const browser of browsers) {
      for (const os of operatingSystems) {
        for (const device of devices) {
          const versions = this.#known.versionsOf({ browser, os, device });
          if (versions.length > 0) choices.push({ browser, os, device, versions });
        }
      }
    }
    const wanted = `${browsers.join(' or ')} on ${operatingSystems.join(' or ')} (${devices.join(' or ')})`;
    if (choices.length === 0) {
      throw new OptionError(
        'fingerprints',
        `option "fingerprints" leaves no browser: no version of ${wanted} is known to both the generator and the transport`,
      );
    }
    return choices;
  }

  /** Made anew for each draw, which changes it. */
  #constraints(): HeaderConstraints {
    return {
      browsers: this.#ranges.map((range) => ({ ...range })),
      operatingSystems: [...new Set(this.#choices.map(({ os }) => os))],
      devices: [...new Set(this.#choices.map(({ device }) => device))],
      strict: true,
    };
  }

  #isChoice({ browser, os, device, version }: BrowserKind): boolean {
    return this.#choices.some(
      (choice) =>
        choice.browser === browser &&
        choice.os === os &&
        choice.device === device &&
        choice.versions.includes(version),
    );
  }

  #place(country: string | undefined): Place {
    const seat = country !== undefined && isCountry(country) ? country : undefined;
    const locale = oneOf(this.#options.locales ?? localesIn(seat ?? 'US'));
    return { locale, timeZone: oneOf(timeZonesIn(seat ?? countryOf(locale))) };
  }
}

function rangesOf(choices: readonly Choice[]): { name: string; minVersion: number; maxVersion: number }[] {
  return [...Map.groupBy(choices, ({ browser }) => browser)].map(([name, ofBrowser]) => {
    const versions = ofBrowser.flatMap((choice) => choice.versions);
    return { name, minVersion: Math.min(...versions), maxVersion: Math.max(...versions) };
  });
}

function oneOf<Item>(list: readonly Item[]): Item {
  return list[Math.floor(Math.random() * list.length)]!;
}

/** Whether a session's fingerprint is one that we made, and not one that was brought. */
export function isBrowserIdentity(fingerprint: object): fingerprint is BrowserIdentity {
  const { browser, version, machine } = fingerprint as Partial<BrowserIdentity>;
  return typeof browser === 'string' && typeof version === 'number' && typeof machine === 'object';
}
