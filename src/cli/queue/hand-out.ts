import type { FetchRequest } from '../fetch/request-line.ts';
import type { DoneRequests } from '../fetch/resume.ts';
import type { Tally } from '../fetch/tally.ts';
import type { Interruption } from '../interruption.ts';
import { isAway, persist } from './persist.ts';
import { jobId, type ListTerms, placeOf } from './url-job.ts';
import type { UrlQueue } from './url-queue.ts';

/**
 * How much of a list is in Redis at once, results that were not collected yet included: enough for hundreds of workers,
 * and little for a server, however long the list.
 */
const MAX_URLS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** Calls under way at once. */
const MAX_ADDING = 200;

/** Puts a list into the queue, piece by piece, and remembers what is there. */
export class HandOut {
  readonly #queue: UrlQueue;
  readonly #run: string;
  readonly #terms: ListTerms;
  readonly #end: Interruption;
  readonly #out = new Map<string, { request: FetchRequest; bytes: number }>();
  #bytes = 0;
  /** The last line that was handed out, or found done. */
  #passed = 0;
  #isRead = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(queue: UrlQueue, run: string, terms: ListTerms, end: Interruption) {
    this.#queue = queue;
    this.#run = run;
    this.#terms = terms;
    this.#end = end;
  }

  /** Whether every line of the list was read, and every result of it is in the output. */
  get isOver(): boolean {
    return this.#isRead && this.#out.size === 0;
  }

  /** URLs handed out whose results are not in the output. */
  get size(): number {
    return this.#out.size;
  }

  /** The request that was handed out under that id, until {@link settle}. */
  requestOf(id: string): FetchRequest | undefined {
    return this.#out.get(id)?.request;
  }

  /** Whether it is of this list and, though not handed out, behind us: its result was written by an earlier run. */
  isLeftOver(id: string): boolean {
    const { run, place } = placeOf(id);
    return run === this.#run && place <= this.#passed && !this.#out.has(id);
  }

  /** Its result is in the output: there is room for another. */
  settle(id: string): void {
    this.#bytes -= this.#out.get(id)?.bytes ?? 0;
    this.#out.delete(id);
    this.#room?.resolve();
  }

  /** Nobody need wait for room any more. */
  stop(): void {
    this.#room?.resolve();
  }

  /** Hands out all of a list but what is done, as far as there is room; rejects where the queue cannot take it. */
  async all(requests: AsyncIterable<FetchRequest>, done: DoneRequests, tally: Tally): Promise<void> {
    const adding = new Set<Promise<void>>();
    let place = 0;
    for await (const request of requests) {
      place += 1;
      if (done.take(request)) {
        this.#passed = place;
        tally.skipped += 1;
        continue;
      }
      while (this.#isFull() && !this.#end.isAsked) await this.#untilRoom();
      while (adding.size >= MAX_ADDING) await Promise.race(adding);
      if (this.#end.isAsked) break;
      const task = this.#add(request, place).catch((error: unknown) => this.#end.fail(error));
      // Not before it is among those that are out: its result may have been waiting since an earlier run.
      this.#passed = place;
      adding.add(task);
      void task.then(() => adding.delete(task));
    }
    await Promise.all(adding);
    this.#isRead = !this.#end.isAsked;
  }

  /** Puts in again what is out: a server that lost its memory knows nothing of it, and another keeps what it has. */
  async again(): Promise<void> {
    const out = [...this.#out];
    for (let from = 0; from < out.length && !this.#end.isAsked; from += MAX_ADDING) {
      const open = out.slice(from, from + MAX_ADDING).filter(([id]) => this.#out.has(id));
      await Promise.all(
        open.map(([id, { request }]) => persist(() => this.#put(id, request), this.#end.signal)),
      );
    }
  }

  async #add(request: FetchRequest, place: number): Promise<void> {
    const id = jobId(this.#run, place, request);
    const bytes = JSON.stringify(request).length;
    // Known before it is there: a worker may be done before the call has come back.
    this.#out.set(id, { request, bytes });
    this.#bytes += bytes;
    await persist(() => this.#put(id, request), this.#end.signal).catch((error: unknown) => {
      // Whoever goes on with the list hands it out then.
      if (!(this.#end.isAsked && isAway(error))) throw error;
    });
  }

  #put(id: string, request: FetchRequest): Promise<void> {
    return this.#queue.add(id, { format: 1, request, terms: this.#terms });
  }

  #isFull(): boolean {
    return this.#out.size >= MAX_URLS || this.#bytes >= MAX_BYTES;
  }

  async #untilRoom(): Promise<void> {
    this.#room = Promise.withResolvers();
    await this.#room.promise;
  }
}
