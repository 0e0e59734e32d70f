import type { Clock } from '../../internal/clock.ts';

/** Ticks in a millisecond: `due` is in microseconds. */
export const TICKS = 1000;

/** A hundred years: what is to last longer lasts that long, and every instant stays a safe integer. */
const FOREVER_MS = 100 * 365.25 * 86_400_000;

/**
 * What may have happened before a moment that was seen, and shows itself only after it: a transaction that took its
 * moment is not yet committed.
 */
const LATE_TICKS = 1000 * TICKS;

export function wholeMs(ms: number): number {
  return Math.ceil(Math.min(ms, FOREVER_MS));
}

export function ticksOf(ms: number): number {
  return wholeMs(ms) * TICKS;
}

/** The moment of a call as the server's functions take it: null is the server's own clock. */
export type Moment = readonly [now: number, tick: number, due: number] | null;

/**
 * The server's clock is everybody's. A clock that is handed in takes its place, for tests: what it cannot tell apart
 * within a millisecond then gets its order from ticks that grow with every call.
 */
export class ServerTime {
  readonly #clock: Clock | undefined;
  #last = 0;

  constructor(clock: Clock | undefined) {
    this.#clock = clock;
  }

  /** `ticks`: how many the call may give out. */
  moment(ticks = 1): Moment {
    if (this.#clock === undefined) return null;
    const now = Math.floor(this.#clock.now());
    const first = now * TICKS;
    const isStepBack = first < this.#last - LATE_TICKS;
    const tick = first > this.#last || isStepBack ? first : this.#last + 1;
    this.#last = tick + ticks - 1;
    return [now, tick, Math.max(this.#last, first + TICKS - 1)];
  }

  /** What was due before it can no longer come as a surprise, seen at this tick. */
  settledAt(moment: Moment, tick: number): number {
    return moment === null ? tick - LATE_TICKS : moment[0] * TICKS - 1;
  }
}

/** Milliseconds as the outside sees them. */
export function nowOf(moment: Moment, tick: number): number {
  return moment === null ? Math.floor(tick / TICKS) : moment[0];
}

/**
 * Milliseconds until an instant, at least 1: who is told 0 would ask again at once. A clock that is handed in shows whole
 * milliseconds; by the server's, one that is not over must not be cut off.
 */
export function msUntil(at: number, moment: Moment, tick: number): number {
  const ms = moment === null ? Math.ceil((at - tick) / TICKS) : Math.floor(at / TICKS) - moment[0];
  return Math.max(1, ms);
}
