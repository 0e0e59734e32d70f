import { checkOptions, number } from '../internal/options.ts';

/** How much a site may make a session remember. Beyond it the oldest cookies go, expired ones before all others. */
export interface CookieLimits {
  /** Cookies of one site (registrable domain). @default 180, as in Chromium */
  maxPerSite?: number;
  /** Cookies in all. @default 3000, as in Chromium */
  maxTotal?: number;
  /** Bytes of name and value together; a larger cookie is refused. @default 4096 (RFC 6265bis §5.6) */
  maxBytes?: number;
}

export const defaultCookieLimits = { maxPerSite: 180, maxTotal: 3000, maxBytes: 4096 } as const;

const limit = number({ min: 1, integer: true });

export function checkCookieLimits(limits: CookieLimits | undefined): void {
  checkOptions(limits, { maxPerSite: limit, maxTotal: limit, maxBytes: limit }, 'limits');
}
