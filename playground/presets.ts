import type { PlaygroundOptions } from './options.ts';

/** Defences by name, for the command line and the benchmarks. */
export const presets = {
  /**
   * A site that means it: limits per user and per address that it does not tell of, refused requests that count, bans
   * that last, cookies tied to address and browser, captcha pages with status 200, and a 503 now and then.
   *
   * Set by what Crawlee's HttpCrawler makes of it with eight good proxies and two bad ones, and not by troupe: as fast as it
   * can, some 2 requests a page and several hundred users burnt; paced by hand, 1.09 to 1.2 requests a page and few burnt.
   */
  hard: {
    requestsPerCookie: 4,
    windowMs: 2_000,
    requestsPerAddress: 20,
    addressWindowMs: 2_000,
    refusedCount: 'cookie',
    retryAfterFormat: 'none',
    banAfterViolations: 2,
    banAddressAfterViolations: 40,
    bindUserAgent: true,
    bindAddress: true,
    suspectFrom: 0.9,
    unavailableRatio: 0.01,
    latencyMs: 40,
  },
} as const satisfies Record<string, PlaygroundOptions>;
