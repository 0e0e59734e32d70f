import { checkOptions, number, type OptionCheck } from '../../internal/options.ts';

/** When a site that blocks one user after the other is left alone. */
export interface BlockBreakerOptions {
  /**
   * The share of blocks among the last answers, over 0 to 1, from which on the site is left alone.
   * @default 0.5
   */
  ratio?: number;
  /**
   * How many of the last answers are looked at, 2 to 10 000.
   * @default 20
   */
  window?: number;
  /**
   * For how long the site is left alone, in milliseconds; then one user at a time goes there, until one is served.
   * @default 300_000
   */
  pauseMs?: number;
}

export interface BrakeOptions {
  /**
   * Leaves a site alone that blocks user after user, instead of burning them all; for all workers of the store. `null`: never.
   * @default { ratio: 0.5, window: 20, pauseMs: 300_000 }
   */
  blockBreaker?: BlockBreakerOptions | null;
}

export const BLOCK_BREAKER_DEFAULTS = {
  ratio: 0.5,
  window: 20,
  pauseMs: 300_000,
} as const satisfies BlockBreakerOptions;

const breakerChecks = {
  ratio: number({ min: 0.01, max: 1 }),
  window: number({ min: 2, max: 10_000, integer: true }),
  pauseMs: number({ min: 1, max: 7 * 86_400_000 }),
};

export const brakeChecks: Record<keyof BrakeOptions, OptionCheck> = {
  blockBreaker: (value, path) => {
    if (value !== null) checkOptions(value as BlockBreakerOptions, breakerChecks, path);
  },
};

/** With every default in place; `null`: off. */
export function blockBreakerOf(
  given: BlockBreakerOptions | null | undefined,
): Required<BlockBreakerOptions> | null {
  return given === null ? null : { ...BLOCK_BREAKER_DEFAULTS, ...given };
}
