import { InvalidArgumentError } from 'commander';
import {
  BROWSERS,
  type BrowserName,
  DEVICES,
  type DeviceKind,
  OPERATING_SYSTEMS,
  type OperatingSystem,
} from '../../fingerprints/browser-identity.ts';
import type { FingerprintOptions } from '../../index.ts';
import { nearest } from '../../internal/nearest.ts';

const KNOWN: readonly string[] = [...BROWSERS, ...OPERATING_SYSTEMS, ...DEVICES];

export const FINGERPRINT_HELP = `a browser of its own for each user; which, after commas: ${KNOWN.join(' ')}`;

/** `chrome,firefox,windows`: browsers, operating systems and devices in any order; all of them without a word. */
export function parseFingerprint(list: string): true | FingerprintOptions {
  const names = list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  if (names.length === 0) return true;
  const unknown = names.find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, KNOWN);
    const hint = near ? ` Did you mean ${near}?` : '';
    throw new InvalidArgumentError(
      `It knows no "${unknown.slice(0, 40)}".${hint} Known: ${BROWSERS.join(', ')}; ${OPERATING_SYSTEMS.join(', ')}; ${DEVICES.join(', ')}.`,
    );
  }
  const browsers = BROWSERS.filter((name): name is BrowserName => names.includes(name));
  const operatingSystems = OPERATING_SYSTEMS.filter((name): name is OperatingSystem => names.includes(name));
  const wanted = DEVICES.filter((name): name is DeviceKind => names.includes(name));
  // Who says android means phones.
  const devices = wanted.length > 0 ? wanted : devicesOf(operatingSystems);
  return {
    ...(browsers.length > 0 && { browsers }),
    ...(operatingSystems.length > 0 && { operatingSystems }),
    ...(devices.length > 0 && { devices }),
  };
}

function devicesOf(operatingSystems: readonly OperatingSystem[]): DeviceKind[] {
  const isMobile = (name: OperatingSystem) => name === 'android' || name === 'ios';
  return [
    ...(operatingSystems.some((name) => !isMobile(name)) ? (['desktop'] as const) : []),
    ...(operatingSystems.some(isMobile) ? (['mobile'] as const) : []),
  ];
}
