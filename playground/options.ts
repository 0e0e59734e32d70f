import { checkOptions, number, oneOf, text } from '../src/internal/options.ts';

/** How the playground listens and how hard it defends itself. */
export interface PlaygroundOptions {
  /**
   * The address to listen on.
   * @default '127.0.0.1'
   */
  host?: string;
  /**
   * The port; 0 takes a free one.
   * @default 0
   */
  port?: number;
  /**
   * Requests a user cookie has in one window on the guarded pages; one more is a 429.
   * @default 20
   */
  requestsPerCookie?: number;
  /**
   * Length of that window, in milliseconds. It starts with the first request in it.
   * @default 2000
   */
  windowMs?: number;
  /**
   * Requests an address (the client's, or its proxy's) has in one window on the guarded pages, whoever sends them; one
   * more is a 429. `null`: no limit.
   * @default null
   */
  requestsPerAddress?: number | null;
  /**
   * Length of an address's window, in milliseconds. It starts with the first request in it.
   * @default 2000
   */
  addressWindowMs?: number;
  /**
   * Whose refused requests count on: each starts the window anew, so that who goes on knocking stays out.
   * @default 'none'
   */
  refusedCount?: 'none' | 'cookie' | 'address' | 'both';
  /**
   * Form of `Retry-After` on a 429: whole seconds, or an HTTP date, both rounded up, never down; or no such header.
   * @default 'seconds'
   */
  retryAfterFormat?: 'seconds' | 'date' | 'none';
  /**
   * 429s in all after which a cookie is banned: 403 for good.
   * @default 3
   */
  banAfterViolations?: number;
  /**
   * 429s of one address in one of its windows after which it is banned: 403 for good. `null`: never.
   * @default null
   */
  banAddressAfterViolations?: number | null;
  /**
   * Ties a cookie to the User-Agent of the request it was issued to; another User-Agent is a 403.
   * @default true
   */
  bindUserAgent?: boolean;
  /**
   * Ties a cookie to the address it was issued to; another address is a 403.
   * @default false
   */
  bindAddress?: boolean;
  /**
   * Share of a limit, 0 to 1, from which on its user or address is suspected: what it gets is a captcha page with
   * status 200 in half of the cases, chosen by `seed`. 1: nobody is.
   * @default 1
   */
  suspectFrom?: number;
  /**
   * Share of the item pages, 0 to 1, whose first attempt is a 503 without `Retry-After`.
   * @default 0
   */
  unavailableRatio?: number;
  /**
   * Share of the `/flaky/:n` pages, 0 to 1, that fail at their first attempt.
   * @default 0.3
   */
  flakyRatio?: number;
  /**
   * Chooses which `/flaky/:n` pages fail and how: the same seed, the same failures.
   * @default 1
   */
  seed?: number;
  /**
   * How long the site thinks about each request before it answers, in milliseconds.
   * @default 0
   */
  latencyMs?: number;
  /**
   * Size of an item page, in bytes.
   * @default 2000
   */
  pageBytes?: number;
}

/** The defaults of {@link PlaygroundOptions}, in the one place where they are written. */
export const playgroundDefaults: Required<PlaygroundOptions> = {
  host: '127.0.0.1',
  port: 0,
  requestsPerCookie: 20,
  windowMs: 2_000,
  requestsPerAddress: null,
  addressWindowMs: 2_000,
  refusedCount: 'none',
  retryAfterFormat: 'seconds',
  banAfterViolations: 3,
  banAddressAfterViolations: null,
  bindUserAgent: true,
  bindAddress: false,
  suspectFrom: 1,
  unavailableRatio: 0,
  flakyRatio: 0.3,
  seed: 1,
  latencyMs: 0,
  pageBytes: 2_000,
};

const checks = {
  host: text,
  port: number({ max: 65_535, integer: true }),
  requestsPerCookie: number({ min: 1, integer: true }),
  windowMs: number({ min: 1 }),
  requestsPerAddress: number({ min: 1, integer: true, nullable: true }),
  addressWindowMs: number({ min: 1 }),
  refusedCount: oneOf('none', 'cookie', 'address', 'both'),
  retryAfterFormat: oneOf('seconds', 'date', 'none'),
  banAfterViolations: number({ min: 1, integer: true }),
  banAddressAfterViolations: number({ min: 1, integer: true, nullable: true }),
  bindUserAgent: oneOf(true, false),
  bindAddress: oneOf(true, false),
  suspectFrom: number({ max: 1 }),
  unavailableRatio: number({ max: 1 }),
  flakyRatio: number({ max: 1 }),
  seed: number({ integer: true }),
  latencyMs: number({ max: 60_000 }),
  // Room for the head of an item page; the cap keeps a typing error from eating the memory.
  pageBytes: number({ min: 200, max: 64 * 1024 * 1024, integer: true }),
};

/** Checks the options and fills in the defaults; `undefined` counts as not given. */
export function resolveOptions(options: PlaygroundOptions = {}): Required<PlaygroundOptions> {
  checkOptions(options, checks);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...playgroundDefaults, ...Object.fromEntries(given) };
}
