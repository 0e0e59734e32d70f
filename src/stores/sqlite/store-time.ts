import type { Clock } from '../../internal/clock.ts';

/** Ticks in a millisecond: `due` is in microseconds. */
export const TICKS = 1000;

/** A step back of the wall clock up to this is smoothed over; a longer one is taken as the new time. */
const SMOOTHED_TICKS = 1000 * TICKS;

/**
 * The store's clock: milliseconds as the outside sees them, and ticks that grow with every call, so that what
 * happened in one millisecond keeps its order.
 */
export class StoreTime {
  readonly #clock: Clock;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  /** A tick of this millisecond, later than all given out before. */
  next(now: number): number {
    const first = Math.floor(now) * TICKS;
    const isStepBack = first < this.#last - SMOOTHED_TICKS;
    this.#last = first > this.#last || isStepBack ? first : this.#last + 1;
    return this.#last;
  }

  /** The latest tick that was given out, or could have been before this millisecond: what comes now is later. */
  latest(now: number): number {
    const before = Math.floor(now) * TICKS - 1;
    return this.#last > before && this.#last - before < SMOOTHED_TICKS ? this.#last : before;
  }

  /** What is due up to here is due now. */
  dueBefore(now: number): number {
    const end = Math.floor(now) * TICKS + TICKS - 1;
    return this.#last > end && this.#last - end < SMOOTHED_TICKS ? this.#last : end;
  }
}

export function toMs(ticks: number): number {
  return Math.floor(ticks / TICKS);
}
