import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../exit-codes.ts';
import type { Interruption } from '../interruption.ts';
import { type ListRecord, readList } from './lists.ts';
import { persist } from './persist.ts';
import { KEEP_LIST, LEAVE_LIST } from './scripts.ts';
import type { UrlQueue } from './url-queue.ts';

/** How long a list stays its holder's without a word from it, as after `kill -9`. */
const HOLD_MS = 10_000;
const BEAT_MS = 1_000;
/** A holder that stood still for nearly that long asks before it writes on. */
const SAFE_MS = HOLD_MS - 3_000;

/** How far a list is. */
export interface ListStatus extends Pick<ListRecord, 'total' | 'done' | 'failed'> {
  /** Results of this run. */
  readonly finished: number;
}

/**
 * The sole right to hand out a list and to collect its results. Two who do so would write every result twice.
 */
export class ListHold {
  readonly run: string;
  /** Nothing of it was handed out before. */
  readonly isNew: boolean;
  readonly #queue: UrlQueue;
  readonly #field: string;
  readonly #output: string;
  readonly #holder = `${hostname()}:${process.pid}`;
  readonly #token = randomBytes(12).toString('base64url');
  #status: () => ListStatus = () => ({ total: null, done: 0, failed: 0, finished: 0 });
  #counted = 0;
  #keptAt = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(queue: UrlQueue, field: string, output: string, before: string | undefined) {
    this.#queue = queue;
    this.#field = field;
    this.#output = output;
    this.isNew = before === undefined;
    this.run = before ?? randomBytes(5).toString('hex');
  }

  /**
   * Takes hold of the list with that field; waits for a holder that does not answer any more.
   * @param isResumed goes on with what the queue holds of it; otherwise it is begun anew
   * @returns `undefined` where the end is asked for meanwhile
   * @throws UsageError where somebody else hands it out
   */
  static async take(
    queue: UrlQueue,
    { field, output, isResumed }: { field: string; output: string; isResumed: boolean },
    say: (text: string) => void,
    end: Interruption,
  ): Promise<ListHold | undefined> {
    const before = await readList(queue, field);
    const hold = new ListHold(queue, field, output, isResumed ? before?.run : undefined);
    const giveUpAt = performance.now() + HOLD_MS + 2 * BEAT_MS;
    for (let tries = 0; !(await hold.#keep()); tries++) {
      if (tries === 0) say(`${before?.holder} hands this list out; waiting for it to be gone`);
      if (performance.now() > giveUpAt) {
        throw new UsageError(`${before?.holder} hands this list out; stop that one first`);
      }
      if (end.isAsked) return undefined;
      await sleep(BEAT_MS / 2);
    }
    // A list that was begun anew leaves nothing behind of the one before.
    if (before && before.run !== hold.run) await queue.removeLists((one) => one === before.run);
    return hold;
  }

  /** Says from now on that the holder is there, and how far the list is. `onLost`: somebody else has taken it. */
  start(status: () => ListStatus, onLost: (error: unknown) => void): void {
    this.#status = status;
    this.#timer = setInterval(() => {
      this.#keep().then(
        (isOurs) => {
          if (!isOurs) onLost(lost());
        },
        // While the server is away the next one will do.
        () => {},
      );
    }, BEAT_MS);
  }

  /** Resolves when it is sure that nobody else holds the list. @throws UsageError where somebody does */
  async assure(signal?: AbortSignal): Promise<void> {
    if (performance.now() - this.#keptAt < SAFE_MS) return;
    if (!(await persist(() => this.#keep(), signal))) throw lost();
  }

  /** Lets the list go: it stays in the queue, for the next holder; or it is over. */
  async leave(end: 'stays' | 'over'): Promise<void> {
    clearInterval(this.#timer);
    if (end === 'stays') await this.#keep();
    const args = [this.#token, this.#field, end === 'over' ? 'over' : ''];
    await this.#queue.run(LEAVE_LIST, [`holder:${this.#field}`, 'lists'], args);
  }

  async #keep(): Promise<boolean> {
    const at = performance.now();
    const { total, done, failed, finished } = this.#status();
    const record: ListRecord = {
      run: this.run,
      holder: this.#holder,
      output: this.#output,
      total,
      done,
      failed,
    };
    const keys = [`holder:${this.#field}`, 'lists', 'finished'];
    const news = finished - this.#counted;
    this.#counted = finished;
    const args = [this.#token, HOLD_MS, this.#field, JSON.stringify(record), news];
    const isOurs = (await this.#queue.run(KEEP_LIST, keys, args)) === 1;
    if (isOurs) this.#keptAt = at;
    return isOurs;
  }
}

function lost(): UsageError {
  return new UsageError('another `troupe fetch` has taken this list over; this one wrote nothing since');
}
