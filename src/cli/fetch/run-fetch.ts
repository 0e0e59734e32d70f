import type { Readable } from 'node:stream';
import { openStore, SessionPool, type SessionPoolOptions, type StoreCounts } from '../../index.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { Interruption } from '../interruption.ts';
import { Progress } from '../progress.ts';
import type { OutStream } from '../terminal.ts';
import { BodyFiles } from './body-files.ts';
import { FetchInput } from './input.ts';
import { openOutput, writeTo } from './output.ts';
import { DoneRequests, readDone } from './resume.ts';
import { summary } from './summary.ts';
import { Tally } from './tally.ts';
import { userDetails } from './user-details.ts';
import { work } from './work.ts';

/** What `troupe fetch` was asked to do, in our own units. */
export interface FetchJob {
  readonly urls: readonly string[];
  /** A file, or `-` for standard input. */
  readonly input?: string | undefined;
  /** The store's URL. */
  readonly store: string;
  readonly pool: Omit<SessionPoolOptions, 'store'>;
  readonly concurrency: number;
  /** A file, or `-` for standard output. */
  readonly output: string;
  readonly mode: 'new' | 'resume' | 'overwrite';
  /** With `resume`: what the output holds as failed is done again. */
  readonly retryFailed: boolean;
  readonly saveBodies?: string | undefined;
  readonly showsProgress: boolean;
  readonly showsSummary: boolean;
}

export interface Streams {
  readonly stdin: Readable;
  readonly stdout: OutStream;
  readonly stderr: OutStream;
}

/** More of them say nothing new. */
const BAD_LINES_SHOWN = 20;

/** Fetches everything the job names as users of one pool. Answers the exit code; output is written by then. */
export async function runFetch(job: FetchJob, streams: Streams = process): Promise<ExitCode> {
  const { stderr } = streams;
  const tally = new Tally();
  using end = new Interruption();
  await fetchAll(job, streams, tally, end);
  if (job.showsSummary) stderr.write(summary(tally, stderr));
  end.throwIfFailed();
  if (end.isBySignal) return EXIT.interrupted;
  return tally.failed + tally.badLines > 0 ? EXIT.failed : EXIT.done;
}

async function fetchAll(job: FetchJob, streams: Streams, tally: Tally, end: Interruption): Promise<void> {
  const { stdin, stdout, stderr } = streams;
  // Whatever cannot be used is told before anything is made or fetched.
  await using opened = new AsyncDisposableStack();
  const input = opened.adopt(await FetchInput.open(job.urls, job.input, stdin), (open) => open.close());
  const done = job.mode === 'resume' ? await readDone(job.output, job) : new DoneRequests();
  const bodies = job.saveBodies === undefined ? undefined : await BodyFiles.in(job.saveBodies);
  const store = opened.adopt(await openStore(job.store), (open) => open.close());
  const before = await store.count();
  const pool = opened.use(new SessionPool({ ...job.pool, store }));
  const progress = new Progress(stderr);
  opened.defer(() => progress.stop());
  const print = (text: string) => {
    if (stdout.isTTY) progress.makeWay();
    return writeTo(stdout, text);
  };
  const output = opened.adopt(await openOutput(job.output, job.mode, print), (open) => open.close());

  tally.listenTo(pool);
  tell(pool, progress);
  if (job.input === '-' && (stdin as { isTTY?: boolean }).isTTY) {
    progress.say('reading URLs from the terminal, one a line; Ctrl-D ends the list');
  }
  if (job.showsProgress) show(progress, input, tally, userDetails(pool, tally));
  void end.asked
    .then(() => {
      if (end.isBySignal) progress.say('stopping; what is under way may finish (Ctrl-C again cuts it off)');
      input.close();
      // Those who wait for a user are sent away, and the ones at work are waited for.
      return pool.drain();
    })
    .catch((error: unknown) => end.fail(error));

  const requests = input.requests((line, why) => {
    tally.badLines += 1;
    if (tally.badLines <= BAD_LINES_SHOWN) progress.say(`line ${line}: ${why}`);
    else if (tally.badLines === BAD_LINES_SHOWN + 1) progress.say('more bad lines are only counted');
  });
  const run = { requests, done, pool, output, bodies, tally, end };
  await Promise.all(Array.from({ length: job.concurrency }, () => work(run)));
  await pool.close();
  tally.deaths = deathsSince(before, await store.count());
}

function show(progress: Progress, input: FetchInput, tally: Tally, details: () => Promise<string[]>): void {
  let total: number | undefined;
  // A file that cannot be counted cannot be read either: who reads it tells.
  input.count().then(
    (count) => {
      total = count;
    },
    () => {},
  );
  progress.start(async () => ({
    details: await details(),
    total,
    done: tally.done,
    finished: tally.finished,
  }));
}

/** What goes wrong in the background. */
function tell(pool: SessionPool, progress: Progress): void {
  pool.on('error', ({ error, during }) => {
    progress.say(`${during}: ${error instanceof Error ? error.message : 'failed'}`);
  });
  pool.on('skipped', ({ sessionId, reason }) => progress.say(`user ${sessionId} was passed over: ${reason}`));
}

/** The store counts them all, those it lets go by itself (expired, or making room for others) included. */
function deathsSince(before: StoreCounts, after: StoreCounts): Map<string, number> {
  const deaths = Object.entries(after.deaths).map(
    ([reason, count]) => [reason, count - (before.deaths[reason] ?? 0)] as const,
  );
  return new Map(deaths.filter(([, count]) => count > 0));
}
