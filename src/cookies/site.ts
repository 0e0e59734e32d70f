import { getDomain, parse } from 'tldts';
import { toUrl } from '../internal/url.ts';

/** Hostnames remembered at once. A crawl meets few hosts again and again; the list lookup costs ~1 µs, the map ~30 ns. */
const maxRemembered = 2000;
const remembered = new Map<string, string | null>();

/**
 * The registrable domain of a hostname as `URL.hostname` writes it (`shop.example.co.uk` → `example.co.uk`), or
 * null where there is none: an IP address, a single label such as `localhost`, a public suffix itself.
 * Private suffixes (`github.io`) count as suffixes, as they do in browsers.
 */
export function registrableDomain(hostname: string): string | null {
  const known = remembered.get(hostname);
  if (known !== undefined) return known;
  // A Map gives its keys in the order they came: the oldest goes, one for one.
  if (remembered.size >= maxRemembered) remembered.delete(remembered.keys().next().value as string);
  const domain = getDomain(hostname, { allowPrivateDomains: true, extractHostname: false });
  remembered.set(hostname, domain);
  return domain;
}

/**
 * The site of a URL: its registrable domain, or the bare hostname for IP addresses, `localhost` and other
 * single labels. Never a port or a scheme: cookies, rests and bans do not stop at them. Throws a TypeError for
 * what is not a URL.
 *
 * @example siteOf('https://shop.example.co.uk:8443/a') // 'example.co.uk'
 */
export function siteOf(url: URL | string): string {
  return siteOfHost(toUrl(url).hostname);
}

/** {@link siteOf} for a hostname as `URL.hostname` writes it. */
export function siteOfHost(hostname: string): string {
  return registrableDomain(hostname) ?? (hostname.endsWith('.') ? hostname.slice(0, -1) : hostname);
}

/** Whether the public suffix list names this hostname as a suffix: nobody may set a cookie for all of it. */
export function isPublicSuffix(hostname: string): boolean {
  if (registrableDomain(hostname) !== null) return false;
  const { isIcann, isPrivate } = parse(hostname, { allowPrivateDomains: true, extractHostname: false });
  return Boolean(isIcann || isPrivate);
}
