import { OptionError } from '../errors.ts';
import { nearest } from '../internal/nearest.ts';
import { checkOptions, fail, number, type OptionCheck, oneOf } from '../internal/options.ts';
import {
  BROWSERS,
  type BrowserName,
  DEVICES,
  type DeviceKind,
  OPERATING_SYSTEMS,
  type OperatingSystem,
} from './browser-identity.ts';

/** Which browsers the identities of a pool may be. */
export interface FingerprintOptions {
  /**
   * Browsers to choose from; each as often as it is used.
   * @default all that the transport can appear as
   */
  browsers?: readonly BrowserName[];
  /**
   * Operating systems to choose from.
   * @default all of the devices
   */
  operatingSystems?: readonly OperatingSystem[];
  /**
   * Devices to choose from; `'mobile'` is a phone.
   * @default ['desktop']
   */
  devices?: readonly DeviceKind[];
  /**
   * Locales to choose from, such as `de-DE`.
   * @default those of the proxy's country, or `en-US` without one
   */
  locales?: readonly string[];
  /**
   * Major versions that a session's browser may be behind the newest known before it is brought up to date.
   * @default 2
   */
  maxVersionsBehind?: number;
  /**
   * `true`: a session's browser stays at its version for life.
   * @default false
   */
  freeze?: boolean;
}

export const FINGERPRINT_DEFAULTS = {
  devices: ['desktop'],
  maxVersionsBehind: 2,
  freeze: false,
} as const satisfies FingerprintOptions;

/** A list of which every entry is one of these; a mistyped one is met with the nearest. */
function someOf(known: readonly string[], what: string): OptionCheck {
  return (value, path) => {
    if (!Array.isArray(value) || value.length === 0)
      fail(path, `a list of ${what}: ${known.join(', ')}`, value);
    for (const entry of value as unknown[]) {
      if (typeof entry === 'string' && known.includes(entry)) continue;
      if (typeof entry !== 'string') fail(path, `a list of ${what}: ${known.join(', ')}`, value);
      const near = nearest(entry, known);
      const hint = near ? `did you mean "${near}"?` : `known: ${known.join(', ')}`;
      throw new OptionError(
        path,
        `option "${path}" names ${JSON.stringify(entry.slice(0, 40))}, which is none of the ${what}; ${hint}`,
      );
    }
  };
}

const locales: OptionCheck = (value, path) => {
  if (!Array.isArray(value) || value.length === 0) fail(path, 'a list of locales such as "de-DE"', value);
  for (const entry of value as unknown[]) {
    if (typeof entry !== 'string' || !isLocale(entry)) {
      fail(path, 'a list of locales such as "de-DE"; one of them is none', entry);
    }
  }
};

/** A language, and perhaps a country: what browsers are set to. */
function isLocale(text: string): boolean {
  try {
    const { language, region, baseName } = new Intl.Locale(text);
    const isCommon = text === (region === undefined ? language : `${language}-${region}`);
    return isCommon && baseName === text && language.length <= 3;
  } catch {
    return false;
  }
}

const checks: Record<keyof FingerprintOptions, OptionCheck> = {
  browsers: someOf(BROWSERS, 'browsers'),
  operatingSystems: someOf(OPERATING_SYSTEMS, 'operating systems'),
  devices: someOf(DEVICES, 'devices'),
  locales,
  maxVersionsBehind: number({ integer: true, max: 100 }),
  freeze: oneOf(true, false),
};

/** @throws OptionError naming a wrong or unknown option */
export const fingerprintOptions: OptionCheck = (value, path) => checkOptions(value, checks, path);
