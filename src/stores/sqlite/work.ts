import { Counters } from './counters.ts';
import type { Hints } from './hints.ts';
import type { Statements } from './statements.ts';
import { type StoreTime, TICKS } from './store-time.ts';

/**
 * A hundred years: what is to last longer lasts that long. A `due` beyond the year 2255 is no safe integer any more, and
 * one such row would make every list and count fail for good.
 */
const FOREVER_MS = 100 * 365.25 * 86_400_000;

/** One transaction, as the calls that run in it see it: its statements, its one moment, its counters. */
export class Work {
  readonly sql: Statements;
  readonly counters: Counters;
  /** What this process knows already; may be wrong only on the side of looking again. */
  readonly hints: Hints;
  /** Milliseconds, the same for all calls of the transaction. */
  readonly now: number;
  /** What is due up to this tick is due now. */
  readonly dueNow: number;
  readonly #time: StoreTime;

  constructor(sql: Statements, time: StoreTime, hints: Hints) {
    this.sql = sql;
    this.counters = new Counters(sql);
    this.hints = hints;
    this.#time = time;
    this.now = Math.floor(time.now());
    this.dueNow = time.dueBefore(this.now);
  }

  /** A tick after all others: what gets it stands at the end of the queue. */
  tick(): number {
    return this.#time.next(this.now);
  }

  /** So much later than now, in milliseconds. */
  msIn(ms: number): number {
    return this.now + Math.ceil(Math.min(ms, FOREVER_MS));
  }

  /** So much later than now. Ends of one millisecond keep the order in which they were set. */
  tickIn(ms: number): number {
    const within = this.tick() - this.now * TICKS;
    return this.msIn(ms) * TICKS + Math.min(Math.max(within, 0), TICKS - 1);
  }

  /** All ticks still to come are later than this one. */
  get latestTick(): number {
    return this.#time.latest(this.now);
  }
}
