import type { BrowserKind } from './browser-identity.ts';
import { headerOrderOf } from './header-order.ts';
import { acceptLanguage } from './languages.ts';
import { isChromium } from './user-agent.ts';

/** What browsers write otherwise in HTTP/1.1 than word by word in capitals; in HTTP/2 all is lower-case. */
const SPELLED: Readonly<Record<string, string>> = {
  'sec-ch-ua': 'sec-ch-ua',
  'sec-ch-ua-mobile': 'sec-ch-ua-mobile',
  'sec-ch-ua-platform': 'sec-ch-ua-platform',
  dnt: 'DNT',
  te: 'TE',
};

/** The first versions that send `Priority` (RFC 9218) with a page load. */
const PRIORITY_SINCE = { chrome: 124, edge: 124, firefox: 128, safari: 18 } as const;

/**
 * The headers of a page that was typed into the address bar, in the browser's order and spelling.
 * @param drawn as the generator gives them: its `Accept-Language` and `Sec-Fetch-*` are the same for every browser
 */
export function pageHeaders(
  kind: BrowserKind,
  drawn: Readonly<Record<string, string>>,
  languages: readonly string[],
): Record<string, string> {
  const { browser, version } = kind;
  const values = new Map(Object.entries(drawn).map(([name, value]) => [name.toLowerCase(), value]));
  values.set('accept-language', acceptLanguage(browser, languages));
  values.set('sec-fetch-site', 'none');
  values.set('sec-fetch-mode', 'navigate');
  values.set('sec-fetch-dest', 'document');
  if (browser !== 'safari') values.set('sec-fetch-user', '?1');
  if (isChromium(browser) || browser === 'firefox') values.set('upgrade-insecure-requests', '1');
  if (version >= PRIORITY_SINCE[browser]) values.set('priority', 'u=0, i');
  const { places, others } = headerOrderOf(browser);
  const place = (name: string) => places.get(name) ?? others;
  return Object.fromEntries(
    [...values].sort(([a], [b]) => place(a) - place(b)).map(([name, value]) => [spelled(name), value]),
  );
}

function spelled(lowerName: string): string {
  return SPELLED[lowerName] ?? lowerName.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
