import { Cookie } from 'tough-cookie';
import { OptionError } from '../errors.ts';
import { nearest } from '../internal/nearest.ts';
import { describe, fail } from '../internal/options.ts';
import { notCookieText, readSameSite, type SameSite } from './cookie.ts';
import { isPublicSuffix, registrableDomain } from './site.ts';

/** A cookie that the caller gives. Only `name` and `value` must be there. */
export interface CookieInput {
  /** Like browsers' cookie APIs have it; `key` is tough-cookie's word for it. */
  name?: string;
  key?: string;
  value: string;
  /**
   * Sent to this host and its subdomains, as the Domain attribute of `Set-Cookie` says; a leading dot changes
   * nothing. Without it the cookie is bound to the host of the first URL that is fetched.
   */
  domain?: string | null;
  /** True: only for `domain` itself. @default false; true for IP addresses and single labels such as localhost */
  hostOnly?: boolean | null;
  /** @default '/' */
  path?: string | null;
  /** Sent over https only. @default false; true where the name starts with `__Secure-` or `__Host-` */
  secure?: boolean;
  /** @default false */
  httpOnly?: boolean;
  /** In any case; what is not known counts as not given. */
  sameSite?: string | null;
  /** When it ends: a `Date` or epoch milliseconds. @default never, as long as the session lives */
  expiresAt?: Date | number;
  /** The same as browsers and tough-cookie give it: epoch **seconds** (-1 = session cookie), an ISO string, a `Date`. */
  expires?: Date | number | string | null;
}

const known = ['name', 'value', 'domain', 'hostOnly', 'path', 'secure', 'httpOnly', 'sameSite', 'expiresAt'];
/** What browsers, Puppeteer and tough-cookie add to a cookie and a request does not need. */
const ignored = new Set(
  'key expires maxAge creation lastAccessed pathIsDefault extensions size session priority sameParty sourceScheme sourcePort partitionKey partitionKeyOpaque storeId'.split(
    ' ',
  ),
);

/**
 * Checks a cookie that somebody gave. Throws an {@link OptionError} that names the field under `path`
 * (`cookies.3.value`), never its content. A cookie that is not bound to a host has no domain.
 */
export function readCookieInput(input: unknown, path: string): Cookie {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    fail(path, 'a cookie object with "name" and "value"', input);
  }
  const given = input as Record<string, unknown>;
  for (const key in given) {
    if (given[key] !== undefined && !known.includes(key) && !ignored.has(key)) unknownField(key, path);
  }
  const key = readText(given.name ?? given.key ?? '', `${path}.name`, /[=;]/);
  const value = readText(given.value, `${path}.value`, /;/);
  if (key === '' && value === '') fail(`${path}.name`, 'a name that is not empty', key);
  let secure = readFlag(given.secure, `${path}.secure`);
  let hostOnly = readFlag(given.hostOnly ?? undefined, `${path}.hostOnly`);
  const place = given.path ?? '/';
  if (typeof place !== 'string' || place[0] !== '/')
    fail(`${path}.path`, 'a path that starts with "/"', place);
  // RFC 6265bis §5.4; what the prefix demands is taken as said where nothing else was.
  const prefix = /^__(secure|host)-/i.exec(key)?.[1]?.toLowerCase();
  if (prefix) secure = demand(secure, true, `${path}.secure`);
  if (prefix === 'host') {
    hostOnly = demand(hostOnly, true, `${path}.hostOnly`);
    demand(place, '/', `${path}.path`);
  }
  const domain = readDomain(given.domain, `${path}.domain`);
  // No registrable domain: an IP address, a single label or a public suffix, for all of which nobody may set one.
  const isAlone = domain === null || registrableDomain(domain) === null;
  if (domain !== null && isAlone && !hostOnly && isPublicSuffix(domain)) {
    fail(`${path}.domain`, 'no public suffix (for that very host: hostOnly: true)', domain);
  }
  const expiresAt = readExpiry(given, path);
  return new Cookie({
    key,
    value,
    domain,
    hostOnly: hostOnly || isAlone,
    path: place,
    secure,
    httpOnly: readFlag(given.httpOnly, `${path}.httpOnly`),
    sameSite: readSameSiteInput(given.sameSite, `${path}.sameSite`),
    expires: expiresAt === Number.POSITIVE_INFINITY ? 'Infinity' : new Date(clamp(expiresAt)),
  });
}

/** To what a `Date` can be. */
function clamp(instant: number): number {
  return Math.min(Math.max(instant, 0), 8.64e15);
}

function readText(value: unknown, path: string, forbidden: RegExp): string {
  if (typeof value !== 'string') fail(path, 'a string', value);
  if (!notCookieText.test(value) && !forbidden.test(value)) return value;
  return fail(path, `bytes (encode others), without control characters and ${forbidden.source}`, value);
}

function readFlag(value: unknown, path: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  return fail(path, 'true or false', value);
}

function demand<T>(given: T | undefined, wanted: T, path: string): T {
  if (given === undefined || given === wanted) return wanted;
  throw new OptionError(path, `option "${path}" must be ${String(wanted)} for a cookie with this prefix`);
}

const plainDomain = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** The domain as tough-cookie writes it. */
function readDomain(value: unknown, path: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') fail(path, 'a host name', value);
  const text = value.replace(/^\./, '').replace(/^\[(.*)\]$/, '$1');
  if (plainDomain.test(text)) return text;
  const url = URL.parse(`http://${text.includes(':') ? `[${text}]` : text}`);
  if (url?.href !== `http://${url?.hostname}/`) fail(path, 'a host name, no scheme, port or path', value);
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function readSameSiteInput(value: unknown, path: string): SameSite | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') fail(path, 'one of "strict", "lax", "none"', value);
  // The extension API's word for "none".
  return readSameSite(value === 'no_restriction' ? 'none' : value);
}

function readExpiry(cookie: Record<string, unknown>, path: string): number {
  const { expiresAt, expires, maxAge } = cookie;
  if (expiresAt !== undefined && expiresAt !== null) {
    const instant = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
    if (typeof instant !== 'number' || Number.isNaN(instant)) {
      fail(`${path}.expiresAt`, 'a Date or epoch milliseconds', expiresAt);
    }
    return instant;
  }
  // tough-cookie: counted from the last access, which it takes for the last time the cookie was set.
  if (typeof maxAge === 'number') return toInstant(cookie.lastAccessed ?? cookie.creation) + maxAge * 1000;
  if (expires === undefined || expires === null || expires === 'Infinity' || expires === -1) {
    return Number.POSITIVE_INFINITY;
  }
  const instant = typeof expires === 'number' ? expires * 1000 : toInstant(expires, Number.NaN);
  if (Number.isNaN(instant)) {
    fail(`${path}.expires`, 'epoch seconds (-1 for a session cookie), an ISO date or a Date', expires);
  }
  return instant;
}

function toInstant(value: unknown, otherwise = Date.now()): number {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' ? Date.parse(value) : otherwise;
}

function unknownField(key: string, path: string): never {
  const near = nearest(key, known);
  const hint = near ? `did you mean "${near}"?` : `known: ${known.join(', ')}`;
  throw new OptionError(`${path}.${key}`, `unknown cookie field "${path}.${key}"; ${hint}`);
}

/** The cookies of a tough-cookie jar of any version, or undefined where `input` is no jar. */
export function readJar(input: object, path: string): unknown[] | undefined {
  const jar = input as { serializeSync?: () => { cookies?: unknown[] } | undefined };
  if (typeof jar.serializeSync !== 'function') return undefined;
  try {
    return jar.serializeSync()?.cookies ?? [];
  } catch (cause) {
    throw new OptionError(
      path,
      `option "${path}" is a cookie jar that cannot be read at once (${describe(cause)}); its store must be synchronous`,
      { cause },
    );
  }
}
