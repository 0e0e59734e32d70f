import { hash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type FetchList, type OpenList, openList, type Streams } from '../fetch/list.ts';
import type { Output } from '../fetch/output.ts';
import type { DoneRequests } from '../fetch/resume.ts';
import { summary } from '../fetch/summary.ts';
import { Tally } from '../fetch/tally.ts';
import { Interruption } from '../interruption.ts';
import { type OpenWorker, openWorker, type WorkerSettings } from '../work/open-worker.ts';
import { Collector } from './collect.ts';
import { HandOut } from './hand-out.ts';
import { ListHold } from './list-hold.ts';
import { readStanding } from './lists.ts';
import type { QueuePlace } from './queue-url.ts';
import type { ListTerms } from './url-job.ts';
import { tellConnection, UrlQueue } from './url-queue.ts';
import { queueDetails } from './words.ts';

/** What `troupe fetch --queue` was asked to do. */
export interface QueuedFetchJob extends FetchList {
  readonly queue: QueuePlace;
  readonly terms: ListTerms;
  /** With a store it fetches too, as one of the workers. */
  readonly worker: WorkerSettings | undefined;
}

const WORKERS_EXPECTED_MS = 2_000;

/** Hands a list out to workers and collects what they make of it. Answers the exit code; output is written by then. */
export async function runQueuedFetch(job: QueuedFetchJob, streams: Streams = process): Promise<ExitCode> {
  const tally = new Tally();
  using end = new Interruption();
  await shareOut(job, streams, tally, end);
  if (job.showsSummary) streams.stderr.write(summary(tally, streams.stderr));
  end.throwIfFailed();
  if (end.isBySignal) return EXIT.interrupted;
  return tally.failed + tally.badLines > 0 ? EXIT.failed : EXIT.done;
}

async function shareOut(
  job: QueuedFetchJob,
  streams: Streams,
  tally: Tally,
  end: Interruption,
): Promise<void> {
  // Whatever cannot be used is told before anything is handed out.
  await using opened = new AsyncDisposableStack();
  const list = await openList(job, streams, tally, opened);
  const { progress } = list;
  const connection = tellConnection(progress);
  let onBack = (): void => {};
  const back = (): void => {
    connection.back();
    onBack();
  };
  const queue = opened.use(await UrlQueue.open(job.queue, { ...connection, back }));
  const means = { queue, tally, end, progress, countsResults: false };
  const worker = job.worker && (await openWorker(job.worker, means, opened));
  const hold = await ListHold.take(queue, listOf(job), (text) => progress.say(text), end);
  if (!hold) return;
  // Not before the list is ours: who had it until now may have written on.
  const [done, output] = await openTarget(list, hold);

  const handOut = new HandOut(queue, hold.run, job.terms, end);
  const collector = new Collector({ queue, handOut, hold, output, tally });
  const total = list.countLines();
  const status = () => ({
    total: total() ?? null,
    done: tally.done,
    failed: tally.failed + tally.badLines,
    finished: tally.finished,
  });
  hold.start(status, (error) => end.fail(error));
  onBack = () => void handOut.again().catch((error: unknown) => end.fail(error));
  if (job.retryFailed) await collector.dropFailed(hold.run);
  if (job.showsProgress) {
    progress.start(async () => {
      const standing = await readStanding(queue);
      const details = [...queueDetails(standing, [status()]), ...((await worker?.details()) ?? [])];
      return { details, total: total(), done: tally.done, finished: tally.finished };
    });
  }
  if (job.showsSummary && !worker) void tellOfNoWorkers(queue, progress.say.bind(progress), end);

  await collectAll({ list, worker, handOut, collector, tally, end }, done);
  await leave(job, { queue, hold, handOut, end }, (text) => progress.say(text));
}

/** Which list it is: the same output goes on with the same list. */
function listOf({ output, mode }: FetchList): { field: string; output: string; isResumed: boolean } {
  const isFile = output !== '-';
  const field = isFile ? hash('sha256', `${hostname()} ${resolve(output)}`) : randomBytes(8).toString('hex');
  return {
    field: field.slice(0, 16),
    output: isFile ? basename(output) : 'standard output',
    isResumed: mode === 'resume',
  };
}

/** What the output holds, and the output. A list that has none is let go. */
async function openTarget(list: OpenList, hold: ListHold): Promise<[DoneRequests, Output]> {
  try {
    return [await list.readDone(), await list.openOutput()];
  } catch (error) {
    await hold.leave(hold.isNew ? 'over' : 'stays').catch(() => {});
    throw error;
  }
}

interface Sharing {
  readonly list: OpenList;
  readonly worker: OpenWorker | undefined;
  readonly handOut: HandOut;
  readonly collector: Collector;
  readonly tally: Tally;
  readonly end: Interruption;
}

async function collectAll(
  { list, worker, handOut, collector, tally, end }: Sharing,
  done: DoneRequests,
): Promise<void> {
  const fail = (error: unknown): void => end.fail(error);
  const stopped = new AbortController();
  void end.asked.then(() => {
    if (end.isBySignal) list.progress.say('stopping; what is done already is still collected');
    list.stopReading();
    handOut.stop();
    worker?.stop();
    stopped.abort();
  });
  const working = worker?.run().catch(fail);
  const handing = handOut.all(list.requests(), done, tally).catch(fail);
  await collector.all(stopped.signal).catch(fail);
  worker?.stop();
  await Promise.all([working, handing]);
  // What our own worker has finished meanwhile, and others. What stays in the queue is not lost.
  if (end.isBySignal) await collector.once().catch(() => {});
}

async function leave(
  { output, showsSummary }: QueuedFetchJob,
  { queue, hold, handOut, end }: { queue: UrlQueue; hold: ListHold; handOut: HandOut; end: Interruption },
  say: (text: string) => void,
): Promise<void> {
  const stays = !handOut.isOver && output !== '-';
  try {
    if (!stays) await queue.removeLists((run) => run === hold.run);
    await hold.leave(stays ? 'stays' : 'over');
  } catch (error) {
    // A server that is away forgets the holder by itself; what was left behind is found by those who come later.
    if (!end.isAsked) throw error;
  }
  if (!showsSummary || !end.isBySignal) return;
  say(
    stays
      ? `${handOut.size} URLs stay in the queue: --resume goes on, \`troupe queue rm ${hold.run}\` takes them out`
      : 'the rest was taken out of the queue: without an output file nobody can go on with it',
  );
}

async function tellOfNoWorkers(
  queue: UrlQueue,
  say: (text: string) => void,
  end: Interruption,
): Promise<void> {
  await sleep(WORKERS_EXPECTED_MS, undefined, { ref: false });
  const standing = await readStanding(queue).catch(() => undefined);
  if (!standing || standing.workers > 0 || end.isAsked) return;
  say(`no worker yet; to start one: troupe work --queue ${queue.place.shown} --store …`);
}
