/** The `SameSite` of a cookie. It is kept for the record and for browsers; every fetch counts as same-site here. */
export type SameSite = 'strict' | 'lax' | 'none';

/** One cookie, as {@link SessionCookies} gives it out: a copy, changing it changes nothing. */
export interface SessionCookie {
  /** Empty only for the nameless cookies that some sites set (RFC 6265bis §5.6). */
  name: string;
  value: string;
  /** The host or domain it is for, without a leading dot. Absent until the cookie is bound to a host. */
  domain?: string;
  /** True: for this host alone. False: for its subdomains too. */
  hostOnly: boolean;
  path: string;
  secure: boolean;
  httpOnly: boolean;
  sameSite?: SameSite;
  /** When it ends; absent for a session cookie, which lives as long as the session does. */
  expiresAt?: Date;
}

/** One cookie as {@link SessionCookies.toJSON} writes it: what equals its default is left out. */
export interface CookieJson {
  name: string;
  value: string;
  /** Absent while the cookie is not bound to a host. */
  domain?: string;
  /** @default false */
  hostOnly?: boolean;
  /** @default '/' */
  path?: string;
  /** @default false */
  secure?: boolean;
  /** @default false */
  httpOnly?: boolean;
  sameSite?: SameSite;
  /** Epoch milliseconds; absent for a session cookie. */
  expiresAt?: number;
}

/**
 * A cookie as it is stored. Never changed once stored, except for the last two fields, which belong to the
 * store: with immutable cookies every change passes through it, so that its revision can be trusted.
 * Name and value are byte strings, as HTTP headers are in Node: one character, one byte.
 */
export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  /** As `URL.hostname` writes it; empty while not bound to a host. */
  readonly domain: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: SameSite | undefined;
  /** Epoch milliseconds; Infinity for a session cookie. */
  readonly expiresAt: number;
  /** Rises with the creation of cookies; an update keeps it (RFC 6265bis §5.7: the creation-time stays). */
  created: number;
  /** Rises with every write; -1 once the cookie is no longer stored. */
  written: number;
}

/** What a byte string must not have in a cookie: control characters but tab, and what is no byte (RFC 6265bis §5.6). */
export const notCookieText = /[^\t\x20-\x7e\x80-\xff]/;

/** Whether both are the same cookie: one replaces the other (RFC 6265bis §5.7, step "same name, domain, host-only-flag and path"). */
export function isSameCookie(a: StoredCookie, b: StoredCookie): boolean {
  return a.name === b.name && a.path === b.path && a.domain === b.domain && a.hostOnly === b.hostOnly;
}

/** Clocks of sites and ours tick in whole seconds: an expiry that moved by less says nothing new. */
const sameExpiryMs = 1000;

/** Whether replacing one by the other would change nothing. */
export function hasSameContent(a: StoredCookie, b: StoredCookie): boolean {
  return (
    a.value === b.value &&
    a.secure === b.secure &&
    a.httpOnly === b.httpOnly &&
    a.sameSite === b.sameSite &&
    (a.expiresAt === b.expiresAt || Math.abs(a.expiresAt - b.expiresAt) < sameExpiryMs)
  );
}

/** Whether the cookie goes to that host (RFC 6265bis §5.1.3; an IP address never has subdomains: its cookies are host-only). */
export function domainMatches(cookie: StoredCookie, host: string): boolean {
  const { domain } = cookie;
  if (host === domain) return true;
  return !cookie.hostOnly && isSubdomain(host, domain);
}

/** Whether `host` lies under `domain`: `a.example.com` under `example.com`, but not `badexample.com`. */
export function isSubdomain(host: string, domain: string): boolean {
  return (
    host.length > domain.length && host.endsWith(domain) && host[host.length - domain.length - 1] === '.'
  );
}

/** Whether a cookie of that path goes with a request of this one (RFC 6265bis §5.1.4). */
export function pathMatches(cookiePath: string, path: string): boolean {
  if (cookiePath === '/' || cookiePath === path) return true;
  return path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path[cookiePath.length] === '/');
}

/** The path of a cookie that names none: the request's, up to its last slash (RFC 6265bis §5.1.4). */
export function defaultPath(path: string): string {
  const end = path.lastIndexOf('/');
  return end > 0 ? path.slice(0, end) : '/';
}

export function toPlain(cookie: StoredCookie): SessionCookie {
  const plain: SessionCookie = {
    name: cookie.name,
    value: cookie.value,
    hostOnly: cookie.hostOnly,
    path: cookie.path,
    secure: cookie.secure,
    httpOnly: cookie.httpOnly,
  };
  if (cookie.domain !== '') plain.domain = cookie.domain;
  if (cookie.sameSite) plain.sameSite = cookie.sameSite;
  if (cookie.expiresAt !== Number.POSITIVE_INFINITY) plain.expiresAt = new Date(cookie.expiresAt);
  return plain;
}

export function toCookieJson(cookie: StoredCookie): CookieJson {
  const json: CookieJson = { name: cookie.name, value: cookie.value };
  if (cookie.domain !== '') {
    json.domain = cookie.domain;
    if (cookie.hostOnly) json.hostOnly = true;
  }
  if (cookie.path !== '/') json.path = cookie.path;
  if (cookie.secure) json.secure = true;
  if (cookie.httpOnly) json.httpOnly = true;
  if (cookie.sameSite) json.sameSite = cookie.sameSite;
  if (cookie.expiresAt !== Number.POSITIVE_INFINITY) json.expiresAt = cookie.expiresAt;
  return json;
}
