import type { Exchange } from './exchange.ts';
import type { PlaygroundOptions } from './options.ts';
import type { User } from './users.ts';

/**
 * The defences of a guarded page against a user that has a cookie, in this order: the ban, the tie to the
 * User-Agent, the limit. Returns whether the user may pass; if not, the answer is given already.
 */
export function admit(exchange: Exchange, user: User): boolean {
  const { options, ledger } = exchange.site;
  if (user.isBanned) {
    ledger.bannedUser(user);
    return refuse(exchange, 'This cookie is banned.');
  }
  if (options.bindUserAgent && user.userAgent !== exchange.userAgent) {
    return refuse(exchange, 'This cookie belongs to another browser.');
  }
  const now = Date.now();
  const waitMs = countAgainstLimit(user, options, now);
  if (waitMs > 0) {
    limit(exchange, user, now + waitMs);
    return false;
  }
  exchange.setCompanion(user);
  return true;
}

/** Answers 403 with a page that says why. */
export function refuse(exchange: Exchange, why: string): false {
  exchange.html(403, `<!doctype html><title>Access denied</title><h1>Access denied</h1><p>${why}</p>\n`);
  return false;
}

/**
 * Counts one request; returns 0, or how long the window still lasts once the limit is passed. A window of fixed
 * length costs two numbers a user, and what it says about waiting is exact.
 */
function countAgainstLimit(user: User, options: Required<PlaygroundOptions>, now: number): number {
  if (now >= user.windowStartedAt + options.windowMs) {
    user.windowStartedAt = now;
    user.windowRequests = 0;
  }
  user.windowRequests++;
  if (user.windowRequests <= options.requestsPerCookie) return 0;
  return user.windowStartedAt + options.windowMs - now;
}

function limit(exchange: Exchange, user: User, until: number): void {
  const { options, ledger } = exchange.site;
  ledger.limitedUser(user);
  user.violations++;
  if (user.violations >= options.banAfterViolations) {
    user.isBanned = true;
    ledger.bannedUser(user);
  }
  const headers = { 'retry-after': retryAfter(until, options.retryAfterFormat) };
  const page = '<!doctype html><title>Too many requests</title><h1>Too many requests</h1><p>Slow down.</p>\n';
  exchange.html(429, page, headers);
}

/** RFC 9110 section 10.2.3. Rounded up: who waits as told is always let in. */
function retryAfter(until: number, format: 'seconds' | 'date'): string {
  if (format === 'date') return new Date(Math.ceil(until / 1_000) * 1_000).toUTCString();
  return String(Math.max(1, Math.ceil((until - Date.now()) / 1_000)));
}
