import type { BrowserIdentity, BrowserKind, Device } from './browser-identity.ts';
import { keeps } from './coherence.ts';
import { Devices } from './devices.ts';
import type { Generator, HeaderConstraints } from './generator.ts';
import { HEADER_RULES } from './header-rules.ts';
import { languagesOf } from './languages.ts';
import { MACHINE_RULES } from './machine-rules.ts';
import { pageHeaders } from './page-headers.ts';
import { readUserAgent } from './user-agent.ts';

/** Where a user sits. */
export interface Place {
  readonly locale: string;
  readonly timeZone: string;
}

/** A browser and the headers that it was seen with, in no order and with another's languages. */
export interface SeenBrowser {
  readonly kind: BrowserKind;
  readonly headers: Readonly<Record<string, string>>;
}

/** Machines drawn for one set of headers: one draw costs a fiftieth of the headers'. */
const MAX_MACHINES = 20;

/** Draws identities: headers from the generator, a machine that goes with them, and the coherence check over both. */
export class Drawing {
  readonly #generator: Generator;
  readonly #devices: Devices;

  constructor(generator: Generator) {
    this.#generator = generator;
    this.#devices = new Devices(generator);
  }

  /** Draws one of these browsers; undefined where the generator knows none. What it was seen with may contradict itself. */
  draw(constraints: HeaderConstraints): SeenBrowser | 'other' | undefined {
    const headers = this.#headers(constraints);
    const kind = headers && readUserAgent(headers['user-agent'] ?? '');
    return headers && (kind ? { kind, headers } : 'other');
  }

  /** Draws this very browser. */
  drawOne(kind: BrowserKind): SeenBrowser | 'other' | undefined {
    const { browser, version, os, device } = kind;
    const browsers = [{ name: browser, minVersion: version, maxVersion: version }];
    return this.draw({ browsers, operatingSystems: [os], devices: [device], strict: true });
  }

  /** Whether the generator has seen this version of the browser there, or a newer one. */
  hasSeen({ browser, os, device }: Omit<BrowserKind, 'version'>, minVersion: number): boolean {
    const browsers = [{ name: browser, minVersion }];
    return this.#headers({ browsers, operatingSystems: [os], devices: [device], strict: true }) !== undefined;
  }

  /**
   * The whole identity of a browser that was seen; undefined where it contradicts itself.
   * @param kept its machine, instead of one that is drawn
   */
  complete({ kind, headers: seen }: SeenBrowser, place: Place, kept?: Device): BrowserIdentity | undefined {
    const userAgent = seen['user-agent'] ?? '';
    const languages = languagesOf(kind.browser, place.locale);
    const headers = pageHeaders(kind, seen, languages);
    for (let draws = 0; draws < (kept ? 1 : MAX_MACHINES); draws++) {
      const machine = kept ?? this.#devices.draw(userAgent);
      if (!machine) return undefined;
      const { locale, timeZone } = place;
      const identity: BrowserIdentity = { userAgent, headers, ...kind, locale, languages, timeZone, machine };
      if (draws === 0 && !keeps(HEADER_RULES, identity)) return undefined;
      if (keeps(MACHINE_RULES, identity)) return identity;
    }
    return undefined;
  }

  #headers(constraints: HeaderConstraints): Record<string, string> | undefined {
    try {
      return this.#generator.getHeaders(constraints);
    } catch {
      return undefined;
    }
  }
}
