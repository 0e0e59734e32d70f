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
   * Form of `Retry-After` on a 429: whole seconds, or an HTTP date. Both are rounded up, never down.
   * @default 'seconds'
   */
  retryAfterFormat?: 'seconds' | 'date';
  /**
   * 429s in all after which a cookie is banned: 403 for good.
   * @default 3
   */
  banAfterViolations?: number;
  /**
   * Ties a cookie to the User-Agent of the request it was issued to; another User-Agent is a 403.
   * @default true
   */
  bindUserAgent?: boolean;
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
  retryAfterFormat: 'seconds',
  banAfterViolations: 3,
  bindUserAgent: true,
  flakyRatio: 0.3,
  seed: 1,
  pageBytes: 2_000,
};

const checks = {
  host: text,
  port: number({ max: 65_535, integer: true }),
  requestsPerCookie: number({ min: 1, integer: true }),
  windowMs: number({ min: 1 }),
  retryAfterFormat: oneOf('seconds', 'date'),
  banAfterViolations: number({ min: 1, integer: true }),
  bindUserAgent: oneOf(true, false),
  flakyRatio: number({ max: 1 }),
  seed: number({ integer: true }),
  // Room for the head of an item page; the cap keeps a typing error from eating the memory.
  pageBytes: number({ min: 200, max: 64 * 1024 * 1024, integer: true }),
};

/** Checks the options and fills in the defaults; `undefined` counts as not given. */
export function resolveOptions(options: PlaygroundOptions = {}): Required<PlaygroundOptions> {
  checkOptions(options, checks);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...playgroundDefaults, ...Object.fromEntries(given) };
}
