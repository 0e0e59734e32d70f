import { type Command, Option } from 'commander';
import type { SessionPoolOptions } from '../../index.ts';
import { POOL_DEFAULTS } from '../../pool/options.ts';
import { parseDuration, showDuration, wholeNumber } from '../quantities.ts';

/** Options of whoever fetches: how many at once, and as which users. */
export interface PoolOptions {
  concurrency: number;
  perSite: number;
  poolSize: number;
  rotation: 'round-robin' | 'random' | 'use-until-failure';
  timeout: number;
  delay: number;
  saveBodies?: string;
}

/** Their names in the order of the help. */
export const POOL_OPTIONS = [
  'saveBodies',
  'concurrency',
  'perSite',
  'poolSize',
  'rotation',
  'timeout',
  'delay',
] as const satisfies (keyof PoolOptions)[];

export function addPoolOptions(command: Command): Command {
  return command
    .option('--save-bodies <folder>', 'save every body there, a file each, named in the output')
    .addOption(number('-c, --concurrency <n>', 'URLs under way at once, over all sites', 8, 1, 10_000))
    .addOption(
      number('--per-site <n>', 'users at one site at once', POOL_DEFAULTS.maxConcurrentPerSite, 1, 10_000),
    )
    .addOption(number('--pool-size <n>', 'usable users at most', POOL_DEFAULTS.maxPoolSize, 1))
    .addOption(
      new Option('--rotation <how>', 'which user is next')
        .choices(['round-robin', 'random', 'use-until-failure'])
        .default(POOL_DEFAULTS.rotation),
    )
    .addOption(
      duration(
        '--timeout <time>',
        'per request: to connect, to the headers, between pieces of the body',
        POOL_DEFAULTS.requestTimeoutMs,
      ),
    )
    .addOption(duration('--delay <time>', 'pause of a user between two requests', POOL_DEFAULTS.minDelayMs));
}

export function poolSettingsOf(options: PoolOptions): Omit<SessionPoolOptions, 'store' | 'name'> {
  return {
    maxPoolSize: options.poolSize,
    maxConcurrentPerSite: options.perSite,
    rotation: options.rotation,
    requestTimeoutMs: options.timeout,
    minDelayMs: options.delay,
  };
}

export function number(
  flags: string,
  description: string,
  preset: number,
  min: number,
  max?: number,
): Option {
  return new Option(flags, description).argParser(wholeNumber(min, max)).default(preset);
}

export function duration(flags: string, description: string, presetMs: number): Option {
  return new Option(flags, description).argParser(parseDuration).default(presetMs, showDuration(presetMs));
}
