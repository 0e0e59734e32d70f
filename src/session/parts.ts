import { SessionCookies } from '../cookies/session-cookies.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { encodeUserData, freshBody, type LazyBody, type SessionBody } from './body.ts';
import type { SessionBond } from './bond.ts';
import { newSessionId } from './id.ts';
import { fingerprintOf, proxyOf } from './identity.ts';
import { limitsOf, type SessionLimits } from './limits.ts';
import { checkSessionOptions, type SessionOptions } from './options.ts';

/** From when to when, epoch milliseconds. Read where it lies: in a store of a million it is far from everything else. */
export interface Life {
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/** The columns and the body a session is put together from. */
export interface SessionParts {
  readonly id: string;
  readonly life: Life;
  readonly usageCount: number;
  readonly errorScore: number;
  readonly retired: string | null;
  readonly body: SessionBody | LazyBody;
  readonly bond?: SessionBond | undefined;
  readonly clock: Clock;
}

/** The last that a `Date` can hold (ECMA-262, 21.4.1.1). */
const LAST_INSTANT = 8.64e15;

/**
 * A new session's parts, from options.
 * @throws OptionError naming a wrong or unknown option
 */
export function partsOf(options: SessionOptions): SessionParts {
  checkSessionOptions(options);
  const limits = limitsOf(options);
  const clock = options.clock ?? systemClock;
  const createdAt = options.createdAt?.getTime() ?? clock.now();
  return {
    id: options.id ?? newSessionId(),
    life: {
      createdAt,
      expiresAt: limits.maxAgeMs === null ? null : Math.min(createdAt + limits.maxAgeMs, LAST_INSTANT),
    },
    usageCount: options.usageCount ?? 0,
    errorScore: options.errorScore ?? 0,
    retired: null,
    body: bodyOfOptions(options, limits),
    clock,
  };
}

function bodyOfOptions(options: SessionOptions, limits: SessionLimits): SessionBody {
  const { userData, cookies, proxy, fingerprint, account } = options;
  const fresh = freshBody(limits);
  const isPlain = userData === undefined && cookies === undefined && proxy === undefined;
  if (isPlain && fingerprint === undefined && account === undefined) return fresh;
  const jar = cookies === undefined ? undefined : SessionCookies.from(cookies);
  if (options.cookiesFor !== undefined) jar?.bindTo(options.cookiesFor);
  return {
    ...fresh,
    userData: userData === undefined ? undefined : encodeUserData(userData),
    cookies: jar,
    proxy: proxy === undefined ? undefined : proxyOf(proxy),
    fingerprint: fingerprint === undefined ? undefined : fingerprintOf(fingerprint),
    account,
  };
}
