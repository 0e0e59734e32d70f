import type { BrowserName, OperatingSystem } from './browser-identity.ts';

/**
 * The invented brand in `Sec-CH-UA` and the order of the three follow from the major version alone, in Chrome and in
 * Edge (Chromium, `components/embedder_support/user_agent_utils.cc`, since version 103).
 */
const BLANKS = [' ', '(', ':', '-', '.', '/', ')', ';', '=', '?', '_'];
const INVENTED_VERSIONS = ['8', '99', '24'];
/** Where the invented brand, Chromium and the browser's own go. */
const ORDERS: readonly (readonly [number, number, number])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** `Sec-CH-UA` of a major version. */
export function brandsHeader(browser: 'chrome' | 'edge', version: number): string {
  const blank = (offset: number) => BLANKS[(version + offset) % BLANKS.length];
  const invented = `"Not${blank(0)}A${blank(1)}Brand";v="${INVENTED_VERSIONS[version % INVENTED_VERSIONS.length]}"`;
  const own = browser === 'chrome' ? 'Google Chrome' : 'Microsoft Edge';
  const brands: string[] = [];
  const order = ORDERS[version % ORDERS.length]!;
  brands[order[0]] = invented;
  brands[order[1]] = `"Chromium";v="${version}"`;
  brands[order[2]] = `"${own}";v="${version}"`;
  return brands.join(', ');
}

/** `Sec-CH-UA-Platform`, without its quotes. */
export const HINTED_PLATFORMS: Readonly<Record<OperatingSystem, string>> = {
  windows: 'Windows',
  macos: 'macOS',
  linux: 'Linux',
  android: 'Android',
  ios: 'iOS',
};

export function hasClientHints(browser: BrowserName): browser is 'chrome' | 'edge' {
  return browser === 'chrome' || browser === 'edge';
}
