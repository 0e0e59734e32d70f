import type { Database } from './database.ts';
import { type Moment, type ServerTime, TICKS, ticksOf } from './server-time.ts';
import type { Statements } from './statements.ts';

/**
 * What was seen last stood here or later, even if somebody's commit was late; one that was later still is found before
 * nobody is said to be free, or by a look behind the hints. In a busy pool each lease walks over as much of the past, so it is short.
 */
const SLACK_TICKS = 20 * TICKS;
/** A lease that ran out is found so soon. Each look walks over the slack once more, so not each lease has one. */
const ENDED_EVERY_MS = 250;
/** The first end of a lease is looked up from now on so often: the way to it passes those of all that were given back early. */
const FIRST_END_MS = 1000;
/** Leases that ran out, looked at by one call. */
const MOST_ENDED = 128;
/** A look behind the hints is due so often. */
const BEHIND_EVERY_MS = 5000;
/** What is looked up without a hint takes at most this share of the time. */
const SHARE = 0.02;
/** Behind the hints may stand all that was used since somebody's old snapshot; the look then gives up after so long. */
const BEHIND_LIMIT_MS = 100;

/** What a look behind the hints came to: it was not through in time, and somebody free may stand there. */
export type LookBehind = 'done' | 'too far';

/**
 * Hints where the queue of the free begins, and that of the held whose leases have not run out: a walk that begins there is
 * spared the index entries of all who were there before, which stay as long as somebody's old snapshot could see them (a
 * dump, a forgotten transaction). Sound because whatever becomes free gets a new due. Who was passed over all the same, a
 * session that somebody had in hand and gave up, is found by a look behind them, beside the leases.
 */
export class QueueFronts {
  readonly #database: Database;
  readonly #sql: Statements;
  readonly #time: ServerTime;
  #learning: Promise<void> | undefined;
  #isKnown = false;
  #free = 0;
  /** Somebody who stands before the front of the free, for the next lease. */
  #behind = Number.POSITIVE_INFINITY;
  #held = 0;
  /** The server's clock, when it was last seen. */
  #tick = 0;
  #nextEnded = 0;
  #firstEnd = 0;
  #nextFirstEnd = 0;
  #nextBehind = 0;
  #looking: Promise<LookBehind> | undefined;

  constructor(database: Database, sql: Statements, time: ServerTime) {
    this.#database = database;
    this.#sql = sql;
    this.#time = time;
  }

  /** To be awaited before the first lease: what others know. */
  learn(): Promise<void> | undefined {
    if (this.#isKnown) return undefined;
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }

  /** Where a lease begins to look. */
  begin(): number {
    const from = Math.min(this.#free, this.#behind);
    this.#behind = Number.POSITIVE_INFINITY;
    if (performance.now() >= this.#nextBehind) void this.lookBehind();
    return from;
  }

  /** Where a look for leases that ran out begins. */
  get held(): number {
    return this.#held;
  }

  /** Whether such a look is due now: with a test's clock always. To ask is to promise that one is made. */
  isEndedDue(moment: Moment): boolean {
    const now = performance.now();
    if (moment === null && now < this.#nextEnded) return false;
    this.#nextEnded = now + ENDED_EVERY_MS;
    return true;
  }

  /**
   * No lease that is held ends before this, as far as is known: others may have shorter ones, so the hint does not last. With a
   * test's clock there is none.
   */
  firstEnd(moment: Moment): number {
    return moment === null && performance.now() < this.#nextFirstEnd ? this.#firstEnd : 0;
  }

  /** The first end of a lease after `from`, looked up since `startedAt`. */
  sawFirstEnd(from: number, end: number, startedAt: number): void {
    this.#firstEnd = end - 1;
    const now = performance.now();
    if (from === 0) this.#nextFirstEnd = now + Math.max(FIRST_END_MS, (now - startedAt) / SHARE);
  }

  /** A lease that is given now, or was a moment ago, ends after so long. */
  willEnd(leaseMs: number): void {
    this.#firstEnd = Math.min(this.#firstEnd, this.#tick + ticksOf(leaseMs));
  }

  /** Nobody free stands before `free`; `ended` leases had run out by `tick` (`null`: nobody looked). */
  saw(tick: number, free: number | undefined, ended: number | null): void {
    this.#tick = tick;
    if (free !== undefined) this.#free = Math.max(0, free - SLACK_TICKS);
    if (ended === MOST_ENDED) this.#nextEnded = 0;
    else if (ended !== null) this.#held = Math.max(0, tick - SLACK_TICKS);
    // The server's clock was set back: what became free since stands before all that was seen.
    if (tick < this.#free) this.#free = 0;
    if (tick < this.#held) this.#held = 0;
  }

  /** At any time one at most. Never rejects: what is wrong with the server, the next lease will say. */
  lookBehind(): Promise<LookBehind> {
    this.#looking ??= this.#lookBehind().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #learn(): Promise<void> {
    const [row] = await this.#database.run(this.#sql.front, []);
    [this.#free, this.#held] = row as [number, number];
    this.#nextBehind = performance.now() + BEHIND_EVERY_MS;
    this.#isKnown = true;
  }

  async #lookBehind(): Promise<LookBehind> {
    const { lookBehind, tellFront } = this.#sql;
    let startedAt = performance.now();
    this.#nextBehind = Number.POSITIVE_INFINITY;
    try {
      await this.#database.run(tellFront, [this.#free, this.#held]);
      startedAt = performance.now();
      const values = [this.#time.moment(), this.#free, this.#held];
      const rows = await this.#database.runBriefly(BEHIND_LIMIT_MS, lookBehind, values);
      const lowest = rows?.[0]?.[0] as number | null | undefined;
      if (typeof lowest === 'number') this.#behind = lowest;
      return rows === undefined ? 'too far' : 'done';
    } catch {
      return 'too far';
    } finally {
      const now = performance.now();
      this.#nextBehind = now + Math.max(BEHIND_EVERY_MS, (now - startedAt) / SHARE);
    }
  }
}
