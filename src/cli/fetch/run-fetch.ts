import { openStore, SessionPool, type SessionPoolOptions } from '../../index.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { Interruption } from '../interruption.ts';
import { BodyFiles } from './body-files.ts';
import { deathsSince } from './deaths.ts';
import { type FetchList, openList, type Streams } from './list.ts';
import { requireMeans } from './means.ts';
import { summary } from './summary.ts';
import { Tally } from './tally.ts';
import { tellOf, userDetails } from './users.ts';
import { work } from './work.ts';

/** What `troupe fetch` was asked to do, in our own units. */
export interface FetchJob extends FetchList {
  /** The store's URL. */
  readonly store: string;
  readonly pool: Omit<SessionPoolOptions, 'store'>;
  readonly concurrency: number;
  readonly saveBodies?: string | undefined;
}

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
  // Whatever cannot be used is told before anything is made or fetched.
  await using opened = new AsyncDisposableStack();
  const list = await openList(job, streams, tally, opened);
  const done = await list.readDone();
  const bodies = job.saveBodies === undefined ? undefined : await BodyFiles.in(job.saveBodies);
  await requireMeans(job.pool);
  const store = opened.adopt(await openStore(job.store), (open) => open.close());
  const before = await store.count();
  const pool = opened.use(new SessionPool({ ...job.pool, store }));
  const output = await list.openOutput();
  const { progress } = list;

  tally.listenTo(pool);
  tellOf(pool, progress);
  if (job.showsProgress) {
    const total = list.countLines();
    const details = userDetails(pool, tally);
    progress.start(async () => ({
      details: await details(),
      total: total(),
      done: tally.done,
      finished: tally.finished,
    }));
  }
  void end.asked
    .then(() => {
      if (end.isBySignal) progress.say('stopping; what is under way may finish (Ctrl-C again cuts it off)');
      list.stopReading();
      // Those who wait for a user are sent away, and the ones at work are waited for.
      return pool.drain();
    })
    .catch((error: unknown) => end.fail(error));

  const run = { requests: list.requests(), done, pool, output, bodies, tally, end };
  await Promise.all(Array.from({ length: job.concurrency }, () => work(run)));
  await pool.close();
  tally.deaths = deathsSince(before, await store.count());
}
