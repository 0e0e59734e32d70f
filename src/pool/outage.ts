import { StoreError } from '../errors.ts';
import type { Clock } from '../internal/clock.ts';
import type { PoolEventBus } from './events.ts';

/** For a first look at the store, also where the caller does not want to wait in line at all. */
export const MIN_LOOK_MS = 1_000;

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** Whether an error says that the store's server is away, or that its answer was lost. */
export function isStoreAway(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'STORE_UNAVAILABLE';
}

/**
 * What a pool knows of its store being away: since when, and when it is worth asking again. All parts of the pool share
 * it, so that a server that has just come back is met by one probe, and not by everyone who waits.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #events: PoolEventBus;
  readonly #onBack: () => void;
  readonly #paused = new Set<() => void>();
  #error: StoreError | undefined;
  #since = 0;
  #failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #retryAt = 0;
  #endsAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, events: PoolEventBus, onBack: () => void) {
    this.#clock = clock;
    this.#events = events;
    this.#onBack = onBack;
  }

  /** The last failure; `undefined`: the store answers, as far as anyone knows. */
  get error(): StoreError | undefined {
    return this.#error;
  }

  /** For how long it has been away, in milliseconds. */
  get forMs(): number {
    return this.#error ? this.#clock.monotonic() - this.#since : 0;
  }

  /** How long calls are still repeated: the pool may be closing. */
  get leftMs(): number {
    return this.#endsAt - this.#clock.monotonic();
  }

  /** From now on nothing is repeated for longer than this. */
  endIn(ms: number): void {
    this.#endsAt = this.#clock.monotonic() + ms;
  }

  /** Whether it was away at any time since this monotonic instant. */
  hasBeenSince(instant: number): boolean {
    return this.#error !== undefined || this.#failedAt >= instant;
  }

  /** A call that was sent at this monotonic instant failed. Many fail at once: the pause grows once. */
  failed(error: StoreError, askedAt: number): void {
    const now = this.#clock.monotonic();
    const isFirst = this.#error === undefined;
    const isNew = isFirst || askedAt >= this.#failedAt;
    this.#error = error;
    if (isFirst) {
      this.#since = askedAt;
      this.#failures = 0;
    }
    if (isNew) {
      this.#failedAt = now;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, MAX_PAUSE_MS);
      this.#retryAt = now + pauseMs * (0.5 + 0.5 * Math.random());
      this.#failures = Math.min(this.#failures + 1, 10);
    }
    if (isFirst) this.#events.emit('storeAway', { error });
  }

  /** The store has answered. */
  answered(): void {
    if (!this.#error) return;
    const awayMs = this.forMs;
    this.#error = undefined;
    for (const goOn of [...this.#paused]) goOn();
    this.#events.emit('storeBack', { awayMs });
    this.#onBack();
  }

  /** When another call is worth it, in milliseconds from now. */
  get retryInMs(): number {
    return Math.max(this.#retryAt - this.#clock.monotonic(), FIRST_PAUSE_MS * Math.random());
  }

  /** 0: the caller may ask the store, and the others wait for how that goes. Else milliseconds until the next may. */
  probe(): number {
    if (!this.#error) return 0;
    const now = this.#clock.monotonic();
    if (now < this.#retryAt) return this.#retryAt - now;
    this.#retryAt = now + MAX_PAUSE_MS;
    return 0;
  }

  /** Resolves when the store has come back or is worth another call, at the latest after `maxMs`. */
  pause(maxMs: number): Promise<void> {
    const ms = Math.min(this.retryInMs, maxMs);
    return new Promise((resolve) => {
      const goOn = () => {
        clearTimeout(timer);
        this.#paused.delete(goOn);
        resolve();
      };
      const timer = setTimeout(goOn, ms);
      this.#paused.add(goOn);
    });
  }
}
