import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { summary } from '../fetch/summary.ts';
import { Tally } from '../fetch/tally.ts';
import { Interruption } from '../interruption.ts';
import { Progress, type Standing } from '../progress.ts';
import { type QueueStanding, readStanding } from '../queue/lists.ts';
import type { QueuePlace } from '../queue/queue-url.ts';
import { tellConnection, UrlQueue } from '../queue/url-queue.ts';
import { queueDetails } from '../queue/words.ts';
import type { OutStream } from '../terminal.ts';
import { openWorker, type WorkerSettings } from './open-worker.ts';

/** What `troupe work` was asked to do. */
export interface WorkJob extends WorkerSettings {
  readonly queue: QueuePlace;
  /** Ends when there is nothing more to do. */
  readonly untilEmpty: boolean;
  readonly showsProgress: boolean;
  readonly showsSummary: boolean;
}

const LOOK_MS = 500;

/** Works on whatever lists the queue holds. Answers the exit code: what became of the URLs is told to who wants them. */
export async function runWork(job: WorkJob, { stderr }: { stderr: OutStream } = process): Promise<ExitCode> {
  const tally = new Tally();
  using end = new Interruption();
  await workOn(job, stderr, tally, end);
  if (job.showsSummary) stderr.write(summary(tally, stderr));
  end.throwIfFailed();
  return end.isBySignal ? EXIT.interrupted : EXIT.done;
}

async function workOn(job: WorkJob, stderr: OutStream, tally: Tally, end: Interruption): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const progress = opened.adopt(new Progress(stderr), (shown) => shown.stop());
  const queue = opened.use(await UrlQueue.open(job.queue, tellConnection(progress)));
  const worker = await openWorker(job, { queue, tally, end, progress, countsResults: true }, opened);
  if (job.showsProgress) {
    const from = (await readStanding(queue)).finished;
    progress.start(async () => wholeStanding(await readStanding(queue), from, await worker.details()));
  }
  void end.asked.then(() => {
    if (end.isBySignal) progress.say('stopping; what is in hand may finish (Ctrl-C again gives it back)');
    worker.stop();
  });
  if (job.untilEmpty) void stopWhenEmpty(queue, end, () => worker.stop());
  await worker.run().catch((error: unknown) => end.fail(error));
}

function wholeStanding(standing: QueueStanding, from: number, details: readonly string[]): Standing {
  const { lists, inQueue, inWork, toCollect, finished } = standing;
  const done = lists.reduce((sum, list) => sum + list.done, 0);
  const isCounted = lists.every(({ total }) => total !== null);
  return {
    done,
    total: isCounted ? lists.reduce((sum, { total }) => sum + (total ?? 0), 0) : undefined,
    finished: finished - from,
    details: [...queueDetails(standing, lists), ...details],
    idle: lists.length + inQueue + inWork + toCollect === 0 ? 'waiting for a list' : undefined,
  };
}

/** Empty: no URL waits or is in work, and nobody hands out more. */
async function stopWhenEmpty(queue: UrlQueue, end: Interruption, stop: () => void): Promise<void> {
  while (!end.isAsked) {
    // A queue that does not answer is not known to be empty.
    const standing = await readStanding(queue).catch(() => undefined);
    if (
      standing &&
      standing.inQueue + standing.inWork === 0 &&
      !standing.lists.some(({ isHeld }) => isHeld)
    ) {
      stop();
      return;
    }
    await sleep(LOOK_MS);
  }
}
