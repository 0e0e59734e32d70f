import { setTimeout as sleep } from 'node:timers/promises';
import type { Output } from '../fetch/output.ts';
import type { FetchRequest } from '../fetch/request-line.ts';
import { type FetchResult, isGood, resultOf } from '../fetch/result.ts';
import type { Tally } from '../fetch/tally.ts';
import { toJson } from '../terminal.ts';
import type { HandOut } from './hand-out.ts';
import type { ListHold } from './list-hold.ts';
import { removeOrphans } from './lists.ts';
import { isAway, persist } from './persist.ts';
import { placeOf, readResult } from './url-job.ts';
import type { UrlQueue } from './url-queue.ts';

/** Results that are read and written at once. */
const BATCH = 250;
const PAUSE_MS = 100;
const ORPHANS_EVERY_MS = 30_000;

/**
 * Brings results from the queue into the output, each once: a result stays in Redis until its line is written, and what
 * is found there of lines that were written before is taken out without a word.
 */
export class Collector {
  readonly #queue: UrlQueue;
  readonly #handOut: HandOut;
  readonly #hold: ListHold;
  readonly #output: Output;
  readonly #tally: Tally;
  #orphansAt = performance.now();

  constructor(means: { queue: UrlQueue; handOut: HandOut; hold: ListHold; output: Output; tally: Tally }) {
    this.#queue = means.queue;
    this.#handOut = means.handOut;
    this.#hold = means.hold;
    this.#output = means.output;
    this.#tally = means.tally;
  }

  /** Collects until the list is over, or `signal` aborts. */
  async all(signal: AbortSignal): Promise<void> {
    while (!this.#handOut.isOver && !signal.aborted) {
      const isMore = await persist(() => this.once(signal), signal).catch((error: unknown) => {
        // The server is away, and we have been told to stop: what is there stays there.
        if (signal.aborted && isAway(error)) return false;
        throw error;
      });
      if (!isMore) await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Takes in what there is now; whether there was anything. May be called again after a failure. */
  async once(signal?: AbortSignal): Promise<boolean> {
    const ids = [...(await this.#queue.ids('completed')), ...(await this.#queue.ids('failed'))];
    const ready = ids.filter((id) => this.#handOut.requestOf(id) !== undefined);
    for (let from = 0; from < ready.length; from += BATCH) {
      await this.#write(ready.slice(from, from + BATCH), signal);
    }
    await this.#queue.remove(ids.filter((id) => this.#handOut.isLeftOver(id)));
    if (performance.now() - this.#orphansAt > ORPHANS_EVERY_MS) {
      this.#orphansAt = performance.now();
      await removeOrphans(this.#queue);
    }
    return ready.length > 0;
  }

  /** With `--retry-failed`: forgets the results of this list that are not good, so that they are fetched again. */
  async dropFailed(run: string): Promise<void> {
    const mine = (await this.#queue.ids('completed')).filter((id) => placeOf(id).run === run);
    const failed: string[] = [];
    for (const id of mine) {
      const result = readResult((await this.#queue.read(id))?.returnvalue);
      if (!result || !isGood(result)) failed.push(id);
    }
    await this.#queue.remove(failed);
  }

  async #write(ids: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const jobs = await Promise.all(ids.map((id) => this.#queue.read(id)));
    const results = ids.flatMap((id, index) => {
      const job = jobs[index];
      const request = this.#handOut.requestOf(id);
      return job && request ? [{ id, result: readResult(job.returnvalue) ?? unreadable(request) }] : [];
    });
    await this.#hold.assure(signal);
    await Promise.all(results.map(({ result }) => this.#output.write(toJson(result))));
    for (const { id, result } of results) {
      this.#handOut.settle(id);
      this.#tally.count(result);
    }
    await this.#queue.remove(results.map(({ id }) => id));
  }
}

/** A URL whose job ended in a way that no worker of ours ends one: it is told, and not waited for. */
function unreadable(request: FetchRequest): FetchResult {
  const error = new Error('the queue holds no result that can be read');
  return resultOf(request, { info: undefined, ms: 0, error });
}
