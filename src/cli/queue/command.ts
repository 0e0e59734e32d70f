import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { print, printJson } from '../print.ts';
import { table } from '../table.ts';
import { styled, widthOf } from '../terminal.ts';
import { type KnownList, type QueueStanding, readLists, readStanding, removeOrphans } from './lists.ts';
import { queueOption, requireQueue } from './queue-option.ts';
import type { UrlQueue } from './url-queue.ts';

interface QueueOptions {
  queue?: string;
  json?: boolean;
}

export function addQueueCommand(program: Command, ended: (code: ExitCode) => void): void {
  const queue = program.command('queue').description('see and clear what `troupe fetch --queue` handed out');
  verb(queue, 'ls', 'the lists that are not finished, and who works on them', 'ls --queue redis://localhost')
    .option('--json', 'as JSON')
    .action(async (options: QueueOptions) => {
      await withQueue(options, async (open) => showLists(await readStanding(open), options.json));
    });
  verb(
    queue,
    'rm <list...>',
    'take lists out of the queue; their outputs stay as they are',
    'rm 3fa2b81c09 --queue redis://localhost',
  ).action(async (runs: string[], options: QueueOptions) => {
    ended(await withQueue(options, (open) => removeLists(open, runs)));
  });
}

function verb(parent: Command, name: string, description: string, example: string): Command {
  return parent
    .command(name)
    .description(description)
    .addOption(queueOption('the queue: redis://HOST[?queue=NAME]'))
    .addHelpText('after', `\nExample:\n  $ troupe queue ${example}`);
}

async function withQueue<T>(options: QueueOptions, task: (queue: UrlQueue) => Promise<T>): Promise<T> {
  const place = requireQueue(options.queue);
  // Loaded when it is needed: help and wrong usage are answered at once.
  const { UrlQueue } = await import('./url-queue.ts');
  await using queue = await UrlQueue.open(place, { away: () => {}, back: () => {} });
  return await task(queue);
}

async function showLists(
  { lists, workers, inWork }: QueueStanding,
  json: boolean | undefined,
): Promise<void> {
  const shown = lists.map(({ run, total, done, failed, output, holder, isHeld }) => ({
    list: run,
    total,
    done,
    failed,
    output,
    holder: isHeld ? holder : null,
  }));
  if (json) {
    await printJson({ workers, inWork, lists: shown });
    return;
  }
  const rows = shown.map(({ list, total, done, failed, output, holder }) => [
    list,
    `${done}/${total ?? '?'}`,
    String(failed),
    output,
    holder ?? 'nobody: go on with --resume',
  ]);
  const [head, ...rest] = table(
    [
      { title: 'LIST' },
      { title: 'DONE', right: true },
      { title: 'FAILED', right: true },
      { title: 'OUTPUT', canShrink: true },
      { title: 'HANDED OUT BY', canShrink: true },
    ],
    rows,
    widthOf(process.stdout),
  );
  const summary = `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${inWork} in work`;
  if (rows.length === 0) await print([`no lists; ${summary}`]);
  else await print([styled('bold', head!, process.stdout), ...rest, summary]);
}

async function removeLists(queue: UrlQueue, runs: readonly string[]): Promise<ExitCode> {
  const known = await readLists(queue);
  let code: ExitCode = EXIT.done;
  for (const run of runs) {
    const list = known.find((one) => one.run === run);
    const problem = problemOf(list);
    if (list && !problem) {
      await queue.client.hDel(queue.key('lists'), list.field);
      const count = await queue.removeLists((one) => one === run);
      await print([`removed ${run}: ${count} URLs waited`]);
    } else {
      process.stderr.write(`troupe: ${run}: ${problem}\n`);
      code = EXIT.failed;
    }
  }
  await removeOrphans(queue);
  return code;
}

function problemOf(list: KnownList | undefined): string | undefined {
  if (!list) return 'there is no such list; `troupe queue ls` shows them';
  return list.isHeld ? `${list.holder} hands it out; stop that one first` : undefined;
}
