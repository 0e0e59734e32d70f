import { type Command, Option } from 'commander';
import { POOL_DEFAULTS } from '../../pool/options.ts';
import { type ExitCode, UsageError } from '../exit-codes.ts';
import { parseSize } from '../quantities.ts';
import { queueOption } from '../queue/queue-option.ts';
import { parseQueueUrl } from '../queue/queue-url.ts';
import type { QueuedFetchJob } from '../queue/run-queued-fetch.ts';
import { storeOption } from '../store-option.ts';
import type { FetchList } from './list.ts';
import {
  addPoolOptions,
  duration,
  number,
  POOL_OPTIONS,
  type PoolOptions,
  poolSettingsOf,
} from './pool-options.ts';
import type { FetchJob } from './run-fetch.ts';

const HELP = `
Input: one URL a line; blank lines and lines that begin with # are left out. A line may be JSON instead:
  {"url": "https://example.com/api", "method": "POST", "headers": {"x-key": "1"}, "body": {"name": "Ann"}}
A body that is no text is sent as JSON. Bad lines are reported with their number, and the rest goes on.

Output: one JSON object a line, as requests end: time, url, line and method (where a request is more than a URL),
  finalUrl, status, verdict, sessionId, attempts, ms, bytes, body (the file, with --save-bodies), worker (with
  --queue), error. No passwords, headers or cookies.

Durations: 500ms 30s 5m 2h. Sizes: 64kb 32mb 1gb.

Ctrl-C finishes what is under way, gives every user back, and exits with 130; --resume goes on from there.

With --queue the list goes into a queue in Redis, and whoever runs \`troupe work\` with that queue takes from it. With
--store this process works too; without, it only hands out and collects. --retries, --wait and --max-body go with the
list, all else about fetching belongs to the workers.

Examples:
  $ troupe fetch https://example.com/ https://example.org/
  $ troupe fetch --input urls.txt --output results.jsonl --store sqlite:troupe.db
  $ troupe fetch --input urls.txt --output results.jsonl --store sqlite:troupe.db --resume
  $ cat urls.txt | troupe fetch --input - --save-bodies pages --output results.jsonl --min-delay 2s
  $ troupe fetch --input urls.txt --output results.jsonl --queue redis://localhost --store redis://localhost`;

interface FetchOptions extends PoolOptions {
  input?: string;
  store?: string;
  queue?: string;
  retries: number;
  wait: number;
  maxBody: number;
  output: string;
  resume?: boolean;
  retryFailed?: boolean;
  overwrite?: boolean;
  quiet?: boolean;
  progress: boolean;
}

const WAIT_MS = 600_000;

export function addFetchCommand(program: Command, ended: (code: ExitCode) => void): void {
  const command = program
    .command('fetch')
    .description('fetch URLs, each as a user of the pool; retry as another where that helps')
    .argument('[url...]', 'URLs to fetch, before those of --input')
    .option('-i, --input <file>', 'a list of URLs; - for standard input')
    .option('-o, --output <file>', 'where the results go; - for standard output', '-')
    .addOption(storeOption().default('memory:'))
    .addOption(queueOption('share the list with `troupe work` through this Redis: redis://HOST[?queue=NAME]'))
    .option('--resume', 'go on with --output: skip what it holds, add the rest')
    .option('--retry-failed', 'with --resume: do again what failed (the last line of a URL counts)')
    .option('--overwrite', 'begin --output anew, whatever it holds');
  addPoolOptions(command)
    .addOption(
      number(
        '--retries <n>',
        'attempts as another user (GET, HEAD, OPTIONS)',
        POOL_DEFAULTS.retries,
        0,
        1000,
      ),
    )
    .addOption(duration('--wait <time>', 'how long a URL waits for a free user', WAIT_MS))
    .addOption(
      new Option('--max-body <size>', 'the largest body that is read')
        .argParser(parseSize)
        .default(POOL_DEFAULTS.maxBodyBytes, '32mb'),
    )
    .option('--no-progress', 'no progress, only the summary')
    .option('-q, --quiet', 'no progress, no summary; only what goes wrong')
    .addHelpText('after', HELP)
    .action(async (urls: string[], options: FetchOptions) => {
      const list = listOf(urls, options);
      // Loaded when it is needed: help and wrong usage are answered at once.
      if (options.queue) {
        const job = queuedJobOf(list, options, options.queue, command);
        const { runQueuedFetch } = await import('../queue/run-queued-fetch.ts');
        ended(await runQueuedFetch(job));
      } else {
        const job = jobOf(list, options);
        const { runFetch } = await import('./run-fetch.ts');
        ended(await runFetch(job));
      }
    });
}

function listOf(urls: readonly string[], options: FetchOptions): FetchList {
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
    mode: options.resume ? 'resume' : options.overwrite ? 'overwrite' : 'new',
    retryFailed: options.retryFailed ?? false,
    showsProgress: options.progress && !options.quiet,
    showsSummary: !options.quiet,
  };
}

function jobOf(list: FetchList, options: FetchOptions): FetchJob {
  return {
    ...list,
    concurrency: options.concurrency,
    // A variable that is set to nothing is not set.
    store: options.store || 'memory:',
    pool: {
      ...poolSettingsOf(options),
      name: 'troupe fetch',
      retries: options.retries,
      timeoutMs: options.wait,
      maxBodyBytes: options.maxBody,
    },
    saveBodies: options.saveBodies,
  };
}

function queuedJobOf(
  list: FetchList,
  options: FetchOptions,
  queue: string,
  command: Command,
): QueuedFetchJob {
  const isGiven = (name: string) => !['default', undefined].includes(command.getOptionValueSource(name));
  const works = isGiven('store') && options.store !== '';
  const misplaced = POOL_OPTIONS.find((name) => isGiven(name) && (!works || name === 'saveBodies'));
  if (misplaced) {
    const flag = command.options.find((option) => option.attributeName() === misplaced)!.long;
    throw new UsageError(
      `with --queue, ${flag} belongs to \`troupe work\`: the workers fetch${misplaced === 'saveBodies' ? ', and bodies stay with them' : ' (this process only with --store)'}`,
    );
  }
  return {
    ...list,
    queue: parseQueueUrl(queue),
    terms: { retries: options.retries, waitMs: options.wait, maxBodyBytes: options.maxBody },
    worker: works
      ? {
          store: options.store!,
          concurrency: options.concurrency,
          pool: { ...poolSettingsOf(options), name: 'troupe fetch' },
        }
      : undefined,
  };
}
