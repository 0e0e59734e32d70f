import { number, type OptionCheck, oneOf } from '../../internal/options.ts';

/** How the users of a pool are paced at each site. */
export interface PaceOptions {
  /**
   * How fast the pool goes at a site. `'auto'`: as fast as it likes until the site objects for the first time (a rate limit,
   * a block, a captcha); then it learns how much the site bears, of each session and of each exit address, and stays just
   * below. `'off'`: only what the other options say.
   * @default 'auto'
   */
  pace?: 'auto' | 'off';
  /**
   * Pause between two uses of one site, whoever uses it, in milliseconds, give or take a tenth; in this process.
   * @default 0
   */
  minDelayPerSiteMs?: number;
}

export const PACE_DEFAULTS = {
  pace: 'auto',
  minDelayPerSiteMs: 0,
} as const satisfies PaceOptions;

export const paceChecks: Record<keyof PaceOptions, OptionCheck> = {
  pace: oneOf('auto', 'off'),
  minDelayPerSiteMs: number({ max: 86_400_000 }),
};
