import { type Command, Option } from 'commander';
import { POOL_DEFAULTS } from '../../pool/options.ts';
import { type ExitCode, UsageError } from '../exit-codes.ts';
import { parseDuration, parseSize, showDuration, wholeNumber } from '../quantities.ts';
import { storeOption } from '../store-option.ts';
import type { FetchJob } from './run-fetch.ts';

const HELP = `
Input: one URL a line; blank lines and lines that begin with # are left out. A line may be JSON instead:
  {"url": "https://example.com/api", "method": "POST", "headers": {"x-key": "1"}, "body": {"name": "Ann"}}
A body that is no text is sent as JSON. Bad lines are reported with their number, and the rest goes on.

Output: one JSON object a line, as requests end: time, url, line and method (where a request is more than a URL),
  finalUrl, status, verdict, sessionId, attempts, ms, bytes, body (the file, with --save-bodies), error.
  No passwords, headers or cookies.

Durations: 500ms 30s 5m 2h. Sizes: 64kb 32mb 1gb.

Ctrl-C finishes what is under way, gives every user back, and exits with 130; --resume goes on from there.

Examples:
  $ troupe fetch https://example.com/ https://example.org/
  $ troupe fetch --input urls.txt --output results.jsonl --store sqlite:troupe.db
  $ troupe fetch --input urls.txt --output results.jsonl --store sqlite:troupe.db --resume
  $ cat urls.txt | troupe fetch --input - --save-bodies pages --output results.jsonl --delay 2s`;

interface FetchOptions {
  input?: string;
  store: string;
  poolSize: number;
  concurrency: number;
  perSite: number;
  retries: number;
  rotation: 'round-robin' | 'random' | 'use-until-failure';
  timeout: number;
  wait: number;
  delay: number;
  maxBody: number;
  output: string;
  saveBodies?: string;
  resume?: boolean;
  retryFailed?: boolean;
  overwrite?: boolean;
  quiet?: boolean;
  progress: boolean;
}

const WAIT_MS = 600_000;

export function addFetchCommand(program: Command, ended: (code: ExitCode) => void): void {
  program
    .command('fetch')
    .description('fetch URLs, each as a user of the pool; retry as another where that helps')
    .argument('[url...]', 'URLs to fetch, before those of --input')
    .option('-i, --input <file>', 'a list of URLs; - for standard input')
    .option('-o, --output <file>', 'where the results go; - for standard output', '-')
    .addOption(storeOption().default('memory:'))
    .option('--resume', 'go on with --output: skip what it holds, add the rest')
    .option('--retry-failed', 'with --resume: do again what failed (the last line of a URL counts)')
    .option('--overwrite', 'begin --output anew, whatever it holds')
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
      number(
        '--retries <n>',
        'attempts as another user (GET, HEAD, OPTIONS)',
        POOL_DEFAULTS.retries,
        0,
        1000,
      ),
    )
    .addOption(
      duration(
        '--timeout <time>',
        'per request: to connect, to the headers, between pieces of the body',
        POOL_DEFAULTS.requestTimeoutMs,
      ),
    )
    .addOption(duration('--wait <time>', 'how long a URL waits for a free user', WAIT_MS))
    .addOption(duration('--delay <time>', 'pause of a user between two requests', POOL_DEFAULTS.minDelayMs))
    .addOption(
      new Option('--max-body <size>', 'the largest body that is read')
        .argParser(parseSize)
        .default(POOL_DEFAULTS.maxBodyBytes, '32mb'),
    )
    .option('--no-progress', 'no progress, only the summary')
    .option('-q, --quiet', 'no progress, no summary; only what goes wrong')
    .addHelpText('after', HELP)
    .action(async (urls: string[], options: FetchOptions) => {
      const job = jobOf(urls, options);
      // Loaded when it is needed: help and wrong usage are answered at once.
      const { runFetch } = await import('./run-fetch.ts');
      ended(await runFetch(job));
    });
}

function number(flags: string, description: string, preset: number, min: number, max?: number): Option {
  return new Option(flags, description).argParser(wholeNumber(min, max)).default(preset);
}

function duration(flags: string, description: string, presetMs: number): Option {
  return new Option(flags, description).argParser(parseDuration).default(presetMs, showDuration(presetMs));
}

function jobOf(urls: readonly string[], options: FetchOptions): FetchJob {
  const { input, output } = options;
  if (urls.length === 0 && input === undefined) {
    throw new UsageError(
      'nothing to fetch: give URLs, or a list with --input FILE (--input - for standard input)',
    );
  }
  if (options.resume && output === '-')
    throw new UsageError('--resume needs --output FILE: what was done stands there');
  if (options.resume && options.overwrite)
    throw new UsageError('--resume and --overwrite exclude each other');
  if (options.retryFailed && !options.resume) throw new UsageError('--retry-failed belongs to --resume');
  return {
    urls,
    input,
    output,
    concurrency: options.concurrency,
    // A variable that is set to nothing is not set.
    store: options.store || 'memory:',
    pool: {
      name: 'troupe fetch',
      maxPoolSize: options.poolSize,
      maxConcurrentPerSite: options.perSite,
      rotation: options.rotation,
      retries: options.retries,
      requestTimeoutMs: options.timeout,
      timeoutMs: options.wait,
      minDelayMs: options.delay,
      maxBodyBytes: options.maxBody,
    },
    mode: options.resume ? 'resume' : options.overwrite ? 'overwrite' : 'new',
    retryFailed: options.retryFailed ?? false,
    saveBodies: options.saveBodies,
    showsProgress: options.progress && !options.quiet,
    showsSummary: !options.quiet,
  };
}
