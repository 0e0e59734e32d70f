import type { SessionCookies, SessionCookiesInput } from '../cookies/session-cookies.ts';
import type { Clock } from '../internal/clock.ts';
import {
  anything,
  checkOptions,
  date,
  fail,
  number,
  type OptionCheck,
  plainObject,
  text,
} from '../internal/options.ts';
import type { Fingerprint, SessionProxy } from './identity.ts';

/** A session's own data: tokens, header values, an account's name. JSON values only. */
// biome-ignore lint/suspicious/noExplicitAny: it is the user's own, and read back with the user's own types.
export type UserData = Record<string, any>;

export interface SessionOptions {
  /**
   * Names the session: 1 to 200 characters of `A-Z a-z 0-9 . _ ~ -`.
   * @default 128 random bits, URL-safe
   */
  id?: string;
  /**
   * Age in milliseconds at which it expires; `null`: never. Checked when it is leased, never in the middle of a use.
   * @default 3_000_000
   */
  maxAgeMs?: number | null;
  /**
   * The session's own data, JSON values only.
   * @default {}
   */
  userData?: UserData;
  /**
   * With an error score at or above it the session is blocked. Above 0.
   * @default 3
   */
  maxErrorScore?: number;
  /**
   * How much error score one good use heals.
   * @default 0.5
   */
  errorScoreDecrement?: number;
  /**
   * When it was created.
   * @default now
   */
  createdAt?: Date;
  /**
   * Uses so far.
   * @default 0
   */
  usageCount?: number;
  /**
   * Error score so far.
   * @default 0
   */
  errorScore?: number;
  /**
   * Uses before it counts as used up; `null`: no limit.
   * @default 50
   */
  maxUsageCount?: number | null;
  /**
   * Cookies it starts with: name → value, a list of cookie objects, a tough-cookie `CookieJar`, or another session's
   * cookies (copied). A cookie without a domain is bound, once, to the host of the first URL given to `fetch`.
   */
  cookies?: SessionCookiesInput | SessionCookies;
  /** Binds cookies without a domain to this URL's host beforehand. */
  cookiesFor?: string | URL;
  /**
   * Statuses that mean "this user is blocked".
   * @default [401, 403, 429]
   */
  blockedStatusCodes?: readonly number[];
  /** The proxy it uses for life: a URL, or `{ url, id?, country? }`. */
  proxy?: string | SessionProxy;
  /** The browser it appears to be, for life. */
  fingerprint?: Fingerprint;
  /** The account that it is logged in as: a user name. A pool has no two living sessions of one account. */
  account?: string;
  /** Where time comes from. @default the system's clock */
  clock?: Clock;
}

const ID = /^[A-Za-z0-9._~-]{1,200}$/;

const id: OptionCheck = (value, path) => {
  if (typeof value !== 'string' || !ID.test(value))
    fail(path, '1 to 200 characters of A-Z a-z 0-9 . _ ~ -', value);
};

export const statusCodes: OptionCheck = (value, path) => {
  const isFine =
    Array.isArray(value) && value.every((code) => Number.isInteger(code) && code >= 100 && code <= 999);
  if (!isFine) fail(path, 'an array of HTTP statuses (100 to 999)', value);
};

const checks: Record<keyof SessionOptions, OptionCheck> = {
  id,
  maxAgeMs: number({ nullable: true }),
  userData: plainObject,
  maxErrorScore: number({ min: Number.MIN_VALUE }),
  errorScoreDecrement: number(),
  createdAt: date,
  usageCount: number({ integer: true }),
  errorScore: number(),
  maxUsageCount: number({ nullable: true, integer: true, min: 1 }),
  cookies: anything,
  cookiesFor: anything,
  blockedStatusCodes: statusCodes,
  proxy: anything,
  fingerprint: plainObject,
  account: text,
  clock: plainObject,
};

/** A pool freezes the options it makes sessions from, after it checked them: once is enough. */
const checkedFrozen = new WeakSet<object>();

/**
 * Checks a session's options.
 * @throws OptionError naming the option, what was expected and what came
 */
export function checkSessionOptions(options: SessionOptions, where = ''): void {
  if (checkedFrozen.has(options)) return;
  checkOptions(options, checks, where);
  if (Object.isFrozen(options)) checkedFrozen.add(options);
}
