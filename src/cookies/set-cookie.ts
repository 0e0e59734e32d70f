import { parseDate } from 'tough-cookie';
import type { BoundedStore } from './bounded-store.ts';
import {
  defaultPath,
  isSubdomain,
  notCookieText,
  pathMatches,
  type SameSite,
  type StoredCookie,
} from './cookie.ts';
import { registrableDomain, siteOfHost } from './site.ts';

/**
 * `Set-Cookie` as browsers read it, RFC 6265bis §5.6 and §5.7. tough-cookie's own reader differs where it
 * counts here: Max-Age slides with every access, host-only is no part of a cookie's identity, prefixes are
 * case-sensitive, a plain-HTTP answer may overwrite a Secure cookie, and nothing is bounded.
 */

/** Octets of one attribute's value; a longer one is ignored (RFC 6265bis §5.6). */
const maxAttributeBytes = 1024;
const maxAge = /^-?[0-9]+$/;
const securePrefix = /^__secure-/i;
const hostPrefix = /^__host-/i;

/** What a response's cookies are judged by: where they come from. Made once for all headers of a response. */
export interface CookieOrigin {
  host: string;
  path: string;
  isSecure: boolean;
}

/** Only https is secure here, not http://localhost, on which browsers disagree among themselves. */
export function isSecureUrl(url: URL): boolean {
  return url.protocol === 'https:' || url.protocol === 'wss:';
}

/** Reads one `Set-Cookie` value; undefined for one that a browser would ignore. Never throws. */
export function readSetCookie(header: string, origin: CookieOrigin, now: number): StoredCookie | undefined {
  if (notCookieText.test(header)) return undefined;
  let end = header.indexOf(';');
  const pair = end < 0 ? header : header.slice(0, end);
  const equals = pair.indexOf('=');
  const name = equals < 0 ? '' : trim(pair.slice(0, equals));
  const value = trim(pair.slice(equals + 1));
  if (name === '' && (value === '' || securePrefix.test(value) || hostPrefix.test(value))) return undefined;

  let domain = '';
  let path = '';
  let secure = false;
  let httpOnly = false;
  let sameSite: SameSite | undefined;
  let expires = Number.POSITIVE_INFINITY;
  let lifetimeMs: number | undefined;
  while (end >= 0) {
    const start = end + 1;
    end = header.indexOf(';', start);
    const attribute = end < 0 ? header.slice(start) : header.slice(start, end);
    const split = attribute.indexOf('=');
    const content = split < 0 ? '' : trim(attribute.slice(split + 1));
    if (content.length > maxAttributeBytes) continue;
    switch (trim(split < 0 ? attribute : attribute.slice(0, split)).toLowerCase()) {
      case 'expires':
        expires = parseDate(content)?.getTime() ?? expires;
        break;
      case 'max-age':
        if (maxAge.test(content)) lifetimeMs = Number(content) * 1000;
        break;
      case 'domain':
        domain = (content.startsWith('.') ? content.slice(1) : content).toLowerCase();
        break;
      case 'path':
        path = content.startsWith('/') ? content : '';
        break;
      case 'secure':
        secure = true;
        break;
      case 'httponly':
        httpOnly = true;
        break;
      case 'samesite':
        sameSite = readSameSite(content);
        break;
    }
  }
  // Max-Age goes before Expires, wherever it stands (§5.7, step 3).
  if (lifetimeMs !== undefined) expires = lifetimeMs <= 0 ? 0 : now + lifetimeMs;
  const place = readDomain(domain, origin.host);
  if (!place || (secure && !origin.isSecure)) return undefined;
  if (securePrefix.test(name) && !secure) return undefined;
  if (hostPrefix.test(name) && !(secure && domain === '' && path === '/')) return undefined;
  return {
    name,
    value,
    domain: place.domain,
    hostOnly: place.hostOnly,
    path: path === '' ? defaultPath(origin.path) : path,
    secure,
    httpOnly,
    sameSite,
    expiresAt: expires,
    created: 0,
    written: 0,
  };
}

/** Spaces and tabs only: `String.trim` would also cut the byte A0, which ends many a UTF-8 character. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Case does not matter; anything unknown is as if it were not said (§5.6.7). */
export function readSameSite(text: string): SameSite | undefined {
  const value = text.toLowerCase();
  return value === 'strict' || value === 'lax' || value === 'none' ? value : undefined;
}

function readDomain(domain: string, host: string): { domain: string; hostOnly: boolean } | undefined {
  if (domain === '') return { domain: host, hostOnly: true };
  const registrable = registrableDomain(host);
  // A public suffix, a single label or an IP address may only mean itself (§5.7, step 9).
  if (domain === host) return { domain: host, hostOnly: registrable === null };
  if (registrable === null || domain.length < registrable.length || !isSubdomain(host, domain)) {
    return undefined;
  }
  return { domain, hostOnly: false };
}

/**
 * Whether a cookie that came over plain HTTP would overlay a Secure one of its name (§5.7, "leave secure cookies
 * alone"): someone on the wire must not be able to replace what only the real site can set.
 */
export function overlaysSecure(cookie: StoredCookie, store: BoundedStore): boolean {
  return store
    .ofSite(siteOfHost(cookie.domain))
    .some(
      (other) =>
        other.secure &&
        other.name === cookie.name &&
        (other.domain === cookie.domain ||
          isSubdomain(other.domain, cookie.domain) ||
          isSubdomain(cookie.domain, other.domain)) &&
        pathMatches(other.path, cookie.path),
    );
}
