import type { Address } from './addresses.ts';
import type { Exchange } from './exchange.ts';
import { seededFraction } from './flaky.ts';
import type { Refusal } from './ledger.ts';
import { countRequest, hasUsed, type LimitTerms } from './limit.ts';
import type { PlaygroundOptions } from './options.ts';
import type { User } from './users.ts';

/**
 * The defences of a guarded page, in this order: the bans, the ties of a cookie, the limits, the captcha. Returns
 * whether the request may pass; if not, the answer is given already. `user` is undefined for who has no cookie yet, and
 * is then only an address.
 */
export function admit(exchange: Exchange, user: User | undefined): boolean {
  const { ledger } = exchange.site;
  const { address } = exchange;
  if (address.isBanned) return refuse(exchange, 'This address is banned.', 'address-banned');
  if (user?.isBanned) {
    ledger.bannedUser(user);
    return refuse(exchange, 'This cookie is banned.', 'user-banned');
  }
  if (user && !isWhereItBelongs(exchange, user)) return false;
  // The limit of the address first: a request that it turns away is not its user's doing.
  if (!isWithinAddressLimit(exchange, address)) return false;
  if (user && !isWithinUserLimit(exchange, user)) return false;
  if (isSuspect(exchange, user) && drawsCaptcha(exchange)) return challenge(exchange);
  if (user) exchange.setCompanion(user);
  return true;
}

/** Answers 403 with a page that says why. */
export function refuse(exchange: Exchange, why: string, kind: Refusal = 'other'): false {
  exchange.site.ledger.refused(kind);
  exchange.html(403, `<!doctype html><title>Access denied</title><h1>Access denied</h1><p>${why}</p>\n`);
  return false;
}

/** The tie of a cookie to the browser and to the address it was issued to. */
function isWhereItBelongs(exchange: Exchange, user: User): boolean {
  const { options } = exchange.site;
  if (options.bindUserAgent && user.userAgent !== exchange.userAgent) {
    return refuse(exchange, 'This cookie belongs to another browser.', 'other-browser');
  }
  if (options.bindAddress && user.address !== exchange.address.ip) {
    return refuse(exchange, 'This cookie belongs to another address.', 'other-address');
  }
  return true;
}

function isWithinAddressLimit(exchange: Exchange, address: Address): boolean {
  const { options, ledger } = exchange.site;
  const terms = addressTerms(options);
  if (!terms) return true;
  const now = Date.now();
  const waitMs = countRequest(address, terms, now);
  if (waitMs === 0) return true;
  const mostViolations = options.banAddressAfterViolations;
  if (mostViolations !== null && address.windowViolations >= mostViolations) {
    address.isBanned = true;
    ledger.bannedAddress();
  }
  return limit(exchange, now + waitMs, 'address-limit');
}

function isWithinUserLimit(exchange: Exchange, user: User): boolean {
  const { options, ledger } = exchange.site;
  const now = Date.now();
  const waitMs = countRequest(user, userTerms(options), now);
  if (waitMs === 0) return true;
  ledger.limitedUser(user);
  user.violations++;
  if (user.violations >= options.banAfterViolations) {
    user.isBanned = true;
    ledger.bannedUser(user);
  }
  return limit(exchange, now + waitMs, 'user-limit');
}

function userTerms(options: Required<PlaygroundOptions>): LimitTerms {
  const countsRefused = options.refusedCount === 'cookie' || options.refusedCount === 'both';
  return { requests: options.requestsPerCookie, windowMs: options.windowMs, countsRefused };
}

function addressTerms(options: Required<PlaygroundOptions>): LimitTerms | undefined {
  if (options.requestsPerAddress === null) return undefined;
  const countsRefused = options.refusedCount === 'address' || options.refusedCount === 'both';
  return { requests: options.requestsPerAddress, windowMs: options.addressWindowMs, countsRefused };
}

function limit(exchange: Exchange, until: number, kind: 'user-limit' | 'address-limit'): false {
  const { options, ledger } = exchange.site;
  ledger.refused(kind);
  const { retryAfterFormat: format } = options;
  const headers = format === 'none' ? {} : { 'retry-after': retryAfter(until, format) };
  const page = '<!doctype html><title>Too many requests</title><h1>Too many requests</h1><p>Slow down.</p>\n';
  exchange.html(429, page, headers);
  return false;
}

/** RFC 9110 section 10.2.3. Rounded up: who waits as told is always let in. */
function retryAfter(until: number, format: 'seconds' | 'date'): string {
  if (format === 'date') return new Date(Math.ceil(until / 1_000) * 1_000).toUTCString();
  return String(Math.max(1, Math.ceil((until - Date.now()) / 1_000)));
}

function isSuspect({ site, address }: Exchange, user: User | undefined): boolean {
  const { options } = site;
  const terms = addressTerms(options);
  if (terms && hasUsed(address, terms, options.suspectFrom)) return true;
  return user !== undefined && hasUsed(user, userTerms(options), options.suspectFrom);
}

/** Every other of the suspected, by the seed and the number of requests so far. */
function drawsCaptcha({ site }: Exchange): boolean {
  return seededFraction(site.options.seed, site.ledger.requests) < 0.5;
}

// A page as sites show it that use reCAPTCHA for this; `recaptcha-interstitial` in src/verdict/signatures.json.
const captchaPage = `<!doctype html><title>Verify you are human</title>
<h1>One moment</h1>
<form method="post"><div class="g-recaptcha" data-sitekey="playground"></div><button>Go on</button></form>
`;

/** A page that looks like success to who looks at the status alone. */
function challenge(exchange: Exchange): false {
  exchange.site.ledger.refused('captcha');
  exchange.html(200, captchaPage);
  return false;
}
