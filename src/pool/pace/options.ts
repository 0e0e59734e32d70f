import { checkOptions, fail, number, type OptionCheck } from '../../internal/options.ts';

/** What a site is known to bear; one of the two at least. */
export interface FixedPace {
  /**
   * Between two uses of a site by one session, in milliseconds, give or take a tenth.
   * @default 0
   */
  perSessionMs?: number;
  /**
   * Between two uses of a site from one exit address, in milliseconds, give or take a tenth; of all workers of the store
   * together.
   * @default 0
   */
  perAddressMs?: number;
}

/** How the users of a pool are paced at each site. */
export interface PaceOptions {
  /**
   * How fast the pool goes at a site. `'auto'`: as fast as it likes until the site objects for the first time (a rate limit,
   * a block, a captcha); then it learns how much the site bears, of each session and of each exit address, and stays just
   * below. What was learnt is shared by the workers of a store. Numbers: so fast everywhere, and no faster. `'off'`: only
   * what the other options say.
   * @default 'auto'
   */
  pace?: 'auto' | 'off' | FixedPace;
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

const DAY_MS = 86_400_000;
const fixedChecks: Record<keyof FixedPace, OptionCheck> = {
  perSessionMs: number({ max: DAY_MS }),
  perAddressMs: number({ max: DAY_MS }),
};

const pace: OptionCheck = (value, path) => {
  if (value === 'auto' || value === 'off') return;
  const expected = '"auto", "off", or numbers: { perSessionMs?, perAddressMs? }';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(path, expected, value);
  const { perSessionMs, perAddressMs } = value as FixedPace;
  checkOptions(value as FixedPace, fixedChecks, path);
  if (perSessionMs === undefined && perAddressMs === undefined) fail(path, expected, value);
};

export const paceChecks: Record<keyof PaceOptions, OptionCheck> = {
  pace,
  minDelayPerSiteMs: number({ max: DAY_MS }),
};
