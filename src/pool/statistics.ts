import type { Clock } from '../internal/clock.ts';
import type { Verdict } from '../verdict/judge.ts';

/** How many answers of the last hour got which verdict. */
export type VerdictCounts = Readonly<Partial<Record<Verdict, number>>>;

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Counts verdicts by the minute, for an hour. */
export class Statistics {
  readonly #clock: Clock;
  readonly #minutes: { minute: number; counts: Map<Verdict, number> }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(verdict: Verdict): void {
    const minute = Math.floor(this.#clock.monotonic() / MINUTE_MS);
    let last = this.#minutes.at(-1);
    if (last?.minute !== minute) {
      last = { minute, counts: new Map() };
      this.#minutes.push(last);
      this.#forget(minute);
    }
    last.counts.set(verdict, (last.counts.get(verdict) ?? 0) + 1);
  }

  lastHour(): VerdictCounts {
    this.#forget(Math.floor(this.#clock.monotonic() / MINUTE_MS));
    const sum: Partial<Record<Verdict, number>> = {};
    for (const { counts } of this.#minutes) {
      for (const [verdict, times] of counts) sum[verdict] = (sum[verdict] ?? 0) + times;
    }
    return sum;
  }

  #forget(now: number): void {
    while (this.#minutes.length > 0 && this.#minutes[0]!.minute <= now - MINUTES) this.#minutes.shift();
  }
}
