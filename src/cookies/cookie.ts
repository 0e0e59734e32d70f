import type { Cookie } from 'tough-cookie';

/** The `SameSite` of a cookie. It is kept for the record and for browsers; every fetch counts as same-site here. */
export type SameSite = 'strict' | 'lax' | 'none';

/** One cookie, as {@link SessionCookies} gives it out: a copy, changing it changes nothing. */
export interface SessionCookie {
  /** Empty only for the nameless cookies that some sites set (RFC 6265bis §5.6). */
  name: string;
  value: string;
  /** The host or domain it is for, without a leading dot or IPv6 brackets. Absent until bound to a host. */
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

/** One cookie as {@link SessionCookies.toJSON} writes it: what is false, `path` `/` or not given is left out. */
export interface CookieJson extends Partial<Omit<SessionCookie, 'expiresAt'>> {
  name: string;
  value: string;
  /** Epoch milliseconds; absent for a session cookie. */
  expiresAt?: number;
}

/** What no cookie may have in it: control characters but tab, and what is no byte (RFC 6265bis §5.6, step 1). */
export const notCookieText = /[^\t\x20-\x7e\x80-\xff]/;

/** Epoch milliseconds; Infinity for a session cookie. */
export function expiryOf(cookie: Cookie): number {
  const expiresAt = cookie.expiryTime() ?? Number.POSITIVE_INFINITY;
  return Number.isNaN(expiresAt) ? Number.POSITIVE_INFINITY : expiresAt;
}

/** Clocks of sites and ours tick in whole seconds: an expiry that moved by less says nothing new. */
const sameExpiryMs = 1000;

/** Whether replacing one by the other, of the same name, domain and path, would change nothing. */
export function hasSameContent(a: Cookie, b: Cookie): boolean {
  const [aEnds, bEnds] = [expiryOf(a), expiryOf(b)];
  return (
    a.value === b.value &&
    a.secure === b.secure &&
    a.httpOnly === b.httpOnly &&
    a.hostOnly === b.hostOnly &&
    a.sameSite === b.sameSite &&
    (aEnds === bEnds || Math.abs(aEnds - bEnds) < sameExpiryMs)
  );
}

export function readSameSite(text: string | undefined): SameSite | undefined {
  const value = text?.toLowerCase();
  return value === 'strict' || value === 'lax' || value === 'none' ? value : undefined;
}

export function toPlain(cookie: Cookie): SessionCookie {
  const { key: name, value, domain, hostOnly, path, secure, httpOnly } = cookie;
  const plain: SessionCookie = {
    name,
    value,
    hostOnly: hostOnly ?? false,
    path: path ?? '/',
    secure,
    httpOnly,
  };
  const sameSite = readSameSite(cookie.sameSite);
  const expiresAt = expiryOf(cookie);
  if (domain !== null) plain.domain = domain;
  if (sameSite) plain.sameSite = sameSite;
  if (expiresAt !== Number.POSITIVE_INFINITY) plain.expiresAt = new Date(expiresAt);
  return plain;
}

export function toCookieJson(cookie: Cookie): CookieJson {
  const { name, value, domain, hostOnly, path, secure, httpOnly, sameSite, expiresAt } = toPlain(cookie);
  return {
    name,
    value,
    ...(domain !== undefined && { domain }),
    ...(domain !== undefined && hostOnly && { hostOnly }),
    ...(path !== '/' && { path }),
    ...(secure && { secure }),
    ...(httpOnly && { httpOnly }),
    ...(sameSite && { sameSite }),
    ...(expiresAt && { expiresAt: expiresAt.getTime() }),
  };
}
