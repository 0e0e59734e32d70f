import { type Command, Option } from 'commander';
import type { FingerprintOptions, SessionPoolOptions } from '../../index.ts';
import { POOL_DEFAULTS } from '../../pool/options.ts';
import { parseDuration, showDuration, wholeNumber } from '../quantities.ts';
import { FINGERPRINT_HELP, parseFingerprint } from './fingerprint-option.ts';

/** Options of whoever fetches: how many at once, and as which users. */
export interface PoolOptions {
  concurrency: number;
  perSite: number;
  poolSize: number;
  rotation: 'round-robin' | 'random' | 'use-until-failure';
  timeout: number;
  minDelay: number;
  siteDelay: number;
  pace: 'auto' | 'off';
  blockScope: 'site' | 'session';
  proxies?: string;
  fingerprint?: true | FingerprintOptions;
  transport: 'undici' | 'impit';
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
  'minDelay',
  'siteDelay',
  'pace',
  'blockScope',
  'proxies',
  'fingerprint',
  'transport',
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
    .addOption(
      duration('--min-delay <time>', 'pause of a user between two requests', POOL_DEFAULTS.minDelayMs),
    )
    .addOption(
      duration(
        '--site-delay <time>',
        'pause of a site between two requests of this process',
        POOL_DEFAULTS.minDelayPerSiteMs,
      ),
    )
    .addOption(
      new Option('--pace <how>', 'auto: learn how much a site bears, once it objects')
        .choices(['auto', 'off'])
        .default(POOL_DEFAULTS.pace),
    )
    .addOption(
      new Option('--block-scope <scope>', 'what a block costs a user: that site, or all')
        .choices(['site', 'session'])
        .default(POOL_DEFAULTS.blockScope),
    )
    .option(
      '--proxies <file>',
      'a proxy a line (URL or host:port:user:password): one for each user, for life',
    )
    .addOption(new Option('--fingerprint [list]', FINGERPRINT_HELP).argParser(parseFingerprint))
    .addOption(
      new Option('--transport <name>', 'what sends; impit has the TLS and HTTP/2 of the user’s browser')
        .choices(['undici', 'impit'])
        .default(POOL_DEFAULTS.transport),
    );
}

export function poolSettingsOf(options: PoolOptions): Omit<SessionPoolOptions, 'store' | 'name'> {
  return {
    maxPoolSize: options.poolSize,
    maxConcurrentPerSite: options.perSite,
    rotation: options.rotation,
    requestTimeoutMs: options.timeout,
    minDelayMs: options.minDelay,
    minDelayPerSiteMs: options.siteDelay,
    pace: options.pace,
    blockScope: options.blockScope,
    transport: options.transport,
    ...(options.proxies !== undefined && { proxies: options.proxies }),
    ...(options.fingerprint !== undefined && { fingerprints: options.fingerprint }),
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
