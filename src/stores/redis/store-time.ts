import type { Clock } from '../../internal/clock.ts';

const TICKS = 1000;
/** Those who share a clock share its ticks, as they would share the server's. */
const lastTicks = new WeakMap<Clock, number>();

/** The first argument of every script: nothing for the server's own time, or a clock's `now:tick`. */
export class StoreTime {
  readonly #clock: Clock | undefined;

  constructor(clock: Clock | undefined) {
    this.#clock = clock;
  }

  /** `ticks`: how many the call may use up. */
  argument(ticks = 1): string {
    const clock = this.#clock;
    if (clock === undefined) return '';
    const now = Math.floor(clock.now());
    const last = lastTicks.get(clock) ?? 0;
    const first = now * TICKS;
    // A clock that was set back by far is believed.
    const tick = first > last || first < last - 1000 * TICKS ? first : last + 1;
    lastTicks.set(clock, tick + ticks - 1);
    return `${now}:${tick}`;
  }
}
