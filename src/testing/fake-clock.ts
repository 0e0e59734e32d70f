import type { Clock } from '../internal/clock.ts';

/** A {@link Clock} that stands still until it is moved by hand. */
export interface FakeClock extends Clock {
  /** Moves wall and monotonic time on. */
  advance(ms: number): void;
  /** Sets the wall time, also back, as an administrator would; monotonic time stays. */
  set(now: number): void;
}

/** A clock for tests: expiry, rests and leases end when you say so. `now` is where it begins. */
export function fakeClock(now: number = Date.UTC(2026, 0, 1)): FakeClock {
  let wall = now;
  let monotonic = 0;
  return {
    now: () => wall,
    monotonic: () => monotonic,
    advance(ms) {
      wall += ms;
      monotonic += ms;
    },
    set(newNow) {
      wall = newNow;
    },
  };
}
