import type { Command } from 'commander';
import { type ExitCode, UsageError } from '../exit-codes.ts';
import { addPoolOptions, type PoolOptions, poolSettingsOf } from '../fetch/pool-options.ts';
import { queueOption, requireQueue } from '../queue/queue-option.ts';
import { storeOption } from '../store-option.ts';
import type { WorkJob } from './run-work.ts';

const HELP = `
Takes the URLs that \`troupe fetch --queue\` hands out, on this machine or another. Start as many as you like; with one
--store for all of them they share the users: no user is ever used by two. What became of a URL goes back through the
queue, into the output of the list. A URL whose worker is killed is done by another within 20 seconds.

Ctrl-C finishes what is in hand, or gives it back to the queue at once, and exits with 130.

Both URLs may come from the environment, where nobody sees their passwords: TROUPE_QUEUE and TROUPE_STORE.

Examples:
  $ troupe work --queue redis://localhost --store redis://localhost
  $ troupe work --queue redis://localhost --store sqlite:troupe.db --concurrency 20 --until-empty`;

interface WorkOptions extends PoolOptions {
  queue?: string;
  store?: string;
  untilEmpty?: boolean;
  quiet?: boolean;
  progress: boolean;
}

export function addWorkCommand(program: Command, ended: (code: ExitCode) => void): void {
  const command = program
    .command('work')
    .description('fetch what `troupe fetch --queue` hands out, beside other workers')
    .addOption(queueOption('the queue to take from: redis://HOST[?queue=NAME]'))
    .addOption(storeOption())
    .option('--until-empty', 'exit when nothing is left to do, and nobody hands out more');
  addPoolOptions(command)
    .option('--no-progress', 'no progress, only the summary')
    .option('-q, --quiet', 'no progress, no summary; only what goes wrong')
    .addHelpText('after', HELP)
    .action(async (options: WorkOptions) => {
      const job = jobOf(options);
      // Loaded when it is needed: help and wrong usage are answered at once.
      const { runWork } = await import('./run-work.ts');
      ended(await runWork(job));
    });
}

function jobOf(options: WorkOptions): WorkJob {
  const queue = requireQueue(options.queue);
  if (!options.store) {
    throw new UsageError(
      '--store is missing: where do the users live? For example --store redis://localhost, the same for all workers',
    );
  }
  return {
    queue,
    store: options.store,
    pool: { ...poolSettingsOf(options), name: 'troupe work' },
    concurrency: options.concurrency,
    saveBodies: options.saveBodies,
    untilEmpty: options.untilEmpty ?? false,
    showsProgress: options.progress && !options.quiet,
    showsSummary: !options.quiet,
  };
}
