import type { BrowserName } from './browser-identity.ts';
import { readUserAgent } from './user-agent.ts';

/** Stands for all that a page's script or form adds itself. */
const OTHERS = '*';

const CHROMIUM = [
  'host',
  'connection',
  'content-length',
  'pragma',
  'cache-control',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'origin',
  'content-type',
  OTHERS,
  'upgrade-insecure-requests',
  'user-agent',
  'accept',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-user',
  'sec-fetch-dest',
  'referer',
  'accept-encoding',
  'accept-language',
  'dnt',
  'cookie',
  'priority',
];
const FIREFOX = [
  'host',
  'user-agent',
  'accept',
  'accept-language',
  'accept-encoding',
  OTHERS,
  'content-type',
  'content-length',
  'origin',
  'dnt',
  'connection',
  'referer',
  'cookie',
  'upgrade-insecure-requests',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'priority',
  'pragma',
  'cache-control',
  'te',
];

const SAFARI = [
  'host',
  'content-type',
  'origin',
  OTHERS,
  'user-agent',
  'accept',
  'content-length',
  'referer',
  'cookie',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'accept-language',
  'priority',
  'accept-encoding',
  'connection',
];

const ORDERS: Readonly<Record<BrowserName, readonly string[]>> = {
  chrome: CHROMIUM,
  edge: CHROMIUM,
  firefox: FIREFOX,
  safari: SAFARI,
};

/** The place of each header in a browser's requests, by lower-case name; `others` is that of all it does not name. */
export interface HeaderOrder {
  readonly places: ReadonlyMap<string, number>;
  readonly others: number;
}

const orders = new Map<BrowserName, HeaderOrder>();

/** The order of headers in a browser. */
export function headerOrderOf(browser: BrowserName): HeaderOrder {
  let order = orders.get(browser);
  if (!order) {
    const names = ORDERS[browser];
    order = { places: new Map(names.map((name, place) => [name, place])), others: names.indexOf(OTHERS) };
    orders.set(browser, order);
  }
  return order;
}

/** The order of the browser that a User-Agent names; undefined where we do not know it. */
export function headerOrderFor(userAgent: string): HeaderOrder | undefined {
  const kind = readUserAgent(userAgent);
  return kind && headerOrderOf(kind.browser);
}

/** Headers that browsers send only where nobody can listen in (Secure Contexts; Fetch Metadata §2; HTTP/2 for the last two). */
const ONLY_SECURE = /^(?:sec-ch-|sec-fetch-|priority$|te$)/;
/** What a browser can decode where a proxy on the way might not: elsewhere `br` and `zstd` are left out. */
const INSECURE_ENCODINGS = 'gzip, deflate';

/**
 * What becomes of a browser's header in a request to this URL: its value, or undefined where the browser would not send
 * it. As in browsers, loopback counts as secure.
 */
export function headerFor(url: URL, lowerName: string, value: string): string | undefined {
  if (url.protocol === 'https:' || LOOPBACK.test(url.hostname)) return value;
  if (ONLY_SECURE.test(lowerName)) return undefined;
  return lowerName === 'accept-encoding' ? INSECURE_ENCODINGS : value;
}

const LOOPBACK = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/;
