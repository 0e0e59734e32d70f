import type { Clock } from '../internal/clock.ts';

/** An answer that took longer says too little of when it was made. */
const MAX_ROUND_TRIP_MS = 1_000;
/** After so long any answer is better than what is known: clocks drift. */
const STALE_MS = 60_000;

/**
 * The time of a store whose server has a clock of its own, as its answers tell it; until the first one, this machine's.
 * Sessions go by it: their age and their instants are the same for every worker, however wrong its own clock is.
 */
export class StoreClock implements Clock {
  readonly #local: Clock;
  /** The store's time less monotonic time, and when that was learnt. */
  #offset: number | undefined;
  #learntAt = 0;

  constructor(local: Clock) {
    this.#local = local;
  }

  now(): number {
    return this.#offset === undefined
      ? this.#local.now()
      : Math.round(this.#local.monotonic() + this.#offset);
  }

  monotonic(): number {
    return this.#local.monotonic();
  }

  /** The store said its now in an answer to what was asked at this monotonic instant. */
  learn(now: number, askedAt: number): void {
    const answeredAt = this.#local.monotonic();
    const isPrompt = answeredAt - askedAt <= MAX_ROUND_TRIP_MS;
    if (!isPrompt && this.#offset !== undefined && answeredAt - this.#learntAt < STALE_MS) return;
    this.#offset = now - (askedAt + answeredAt) / 2;
    this.#learntAt = answeredAt;
  }
}
