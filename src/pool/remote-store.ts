import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.ts';
import type { Clock } from '../internal/clock.ts';
import { Deadlines } from '../internal/deadlines.ts';
import type { MaybePromise } from '../internal/maybe-promise.ts';
import type * as store from '../stores/store.ts';
import { isStoreAway, type Outage } from './outage.ts';
import type { StoreClock } from './store-clock.ts';

/** What is not answered by then is given up: who asked is told that the store is away. */
const MAX_ANSWER_MS = 10_000;
const MAX_CLOSE_MS = 5_000;

/**
 * A store across a network, as a pool sees it: every call that somebody waits for ends in bounded time, answered or
 * with `STORE_UNAVAILABLE`; what comes back later is given back; and the outage and the clock hear of each answer.
 */
export class RemoteStore implements store.SessionStore {
  readonly capabilities: store.StoreCapabilities;
  readonly #store: store.SessionStore;
  readonly #outage: Outage;
  readonly #time: StoreClock;
  readonly #clock: Clock;
  readonly #answerMs: number;
  readonly #deadlines = new Deadlines();
  readonly watch?: NonNullable<store.SessionStore['watch']>;

  constructor(given: store.SessionStore, outage: Outage, time: StoreClock, clock: Clock, leaseMs: number) {
    this.capabilities = given.capabilities;
    this.#store = given;
    this.#outage = outage;
    this.#time = time;
    this.#clock = clock;
    // So that a renewal that is never answered can be sent again before the lease runs out.
    this.#answerMs = Math.min(MAX_ANSWER_MS, leaseMs / 3);
    if (given.watch) this.watch = (listener) => given.watch!(listener);
  }

  async lease(request: store.LeaseRequest): Promise<store.LeaseResult> {
    const askedAt = this.#clock.monotonic();
    const result = await this.#ask(() => this.#store.lease(request), this.#answerMs, this.#returnLate);
    if (result.kind === 'leased' || result.kind === 'vacant') this.#time.learn(result.now, askedAt);
    return result;
  }

  create(place: store.Lease, session: store.NewSession): Promise<store.CreateResult> {
    return this.#ask(() => this.#store.create(place, session), this.#answerMs);
  }

  release(
    lease: store.Lease,
    change: store.ReleaseChange | null,
    isRepeat?: boolean,
  ): Promise<store.ReleaseResult> {
    return this.#ask(() => this.#store.release(lease, change, isRepeat), this.#answerMs);
  }

  renew(renewals: readonly store.Renewal[]): Promise<store.RenewOutcome[]> {
    return this.#ask(() => this.#store.renew(renewals), this.#answerMs);
  }

  count(): Promise<store.StoreCounts> {
    return this.#ask(() => this.#store.count(), MAX_ANSWER_MS);
  }

  document(name: string): Promise<store.StoredDocument | undefined> {
    return this.#ask(() => this.#store.document(name), MAX_ANSWER_MS);
  }

  putDocument(name: string, value: string, ifVersion: number): Promise<number | undefined> {
    return this.#ask(() => this.#store.putDocument(name, value, ifVersion), MAX_ANSWER_MS);
  }

  // What follows may rightly take long, with many sessions: it ends when the store says so.

  order(target: store.OrderTarget, order: store.Order): Promise<number> {
    return this.#ask(() => this.#store.order(target, order));
  }

  add(sessions: readonly store.NewSession[], limit?: number): Promise<store.AddResult> {
    return this.#ask(() => this.#store.add(sessions, limit));
  }

  get(id: string): Promise<store.ListedSession | undefined> {
    return this.#ask(() => this.#store.get(id));
  }

  list(page: store.ListPage): Promise<store.ListResult> {
    return this.#ask(() => this.#store.list(page));
  }

  remove(ids: readonly string[]): Promise<number> {
    return this.#ask(() => this.#store.remove(ids));
  }

  prune(request: store.PruneRequest): Promise<store.PruneResult> {
    return this.#ask(() => this.#store.prune(request));
  }

  /** Of a server that does not answer, it lets go without a goodbye. */
  async close(): Promise<void> {
    const patience = new AbortController();
    const enough = sleep(MAX_CLOSE_MS, undefined, { signal: patience.signal }).catch(() => {});
    try {
      await Promise.race([this.#store.close(), enough]);
    } finally {
      patience.abort();
    }
  }

  /** Whoever asked has given up: the next one is not to wait until it runs out. */
  readonly #returnLate = (result: store.LeaseResult): void => {
    if (result.kind !== 'leased' && result.kind !== 'vacant') return;
    this.release(result.lease, null).catch(() => {});
  };

  #ask<T>(call: () => MaybePromise<T>, answerMs?: number, returnLate?: (value: T) => void): Promise<T> {
    const askedAt = this.#clock.monotonic();
    return new Promise((resolve, reject) => {
      let isLate = false;
      const failed = (error: unknown) => {
        if (deadline) this.#deadlines.delete(deadline);
        if (isStoreAway(error)) this.#outage.failed(error, askedAt);
        reject(error);
      };
      const onPassed = () => {
        isLate = true;
        failed(
          new StoreError('STORE_UNAVAILABLE', `the store did not answer for ${Math.round(answerMs!)} ms`),
        );
      };
      const deadline =
        answerMs === undefined ? undefined : { at: performance.now() + answerMs, onPassed, place: -1 };
      if (deadline) this.#deadlines.add(deadline);
      const answered = (value: T) => {
        if (deadline) this.#deadlines.delete(deadline);
        this.#outage.answered();
        if (isLate) returnLate?.(value);
        else resolve(value);
      };
      try {
        const result = call();
        if (result instanceof Promise) result.then(answered, failed);
        else answered(result);
      } catch (error) {
        failed(error);
      }
    });
  }
}
