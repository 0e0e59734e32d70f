import type { SessionPool } from '../../index.ts';
import type { Interruption } from '../interruption.ts';
import { toJson } from '../terminal.ts';
import type { BodyFiles } from './body-files.ts';
import { fetchOne, isCutOff, mayRepeat } from './fetch-one.ts';
import type { Output } from './output.ts';
import type { FetchRequest } from './request-line.ts';
import { isGood, resultOf } from './result.ts';
import type { DoneRequests } from './resume.ts';
import type { Tally } from './tally.ts';

/** What the workers of a run share. */
export interface Run {
  /** The common list, read as they ask for more. */
  readonly requests: AsyncGenerator<FetchRequest, void, undefined>;
  readonly done: DoneRequests;
  readonly pool: SessionPool;
  readonly output: Output;
  readonly bodies: BodyFiles | undefined;
  readonly tally: Tally;
  readonly end: Interruption;
}

/** One of the workers: takes requests from the common list until there are none, or the run is stopped. */
export async function work(run: Run): Promise<void> {
  const { requests, done, tally, end, output } = run;
  try {
    while (!end.isAsked) {
      const next = await requests.next();
      if (next.done) return;
      if (done.take(next.value)) {
        tally.skipped += 1;
        continue;
      }
      const request = next.value;
      const ending = await fetchOne(request, { ...run, signal: end.signal });
      const result = resultOf(request, ending);
      // Of one that would have been tried again, had the run not been stopped, nothing final can be said.
      const isOpen = isCutOff(ending, end.signal) || (!isGood(result) && mayRepeat(request));
      if (end.isAsked && isOpen) {
        tally.unfinished += 1;
        continue;
      }
      await output.write(toJson(result));
      tally.count(result);
    }
  } catch (error) {
    // An input or an output that broke: the others need not go on either.
    end.fail(error);
  }
}
