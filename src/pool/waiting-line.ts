import { MAX_TIMER_MS } from '../internal/clock.ts';
import type { MaybePromise } from '../internal/maybe-promise.ts';

/** What an attempt came to: served, or not, and when another is worth it (`null`: only when something changes). */
export type Attempt<T> =
  | { readonly served: MaybePromise<T> }
  /** `isCrowded`: only because others were looking at the same time; they may go without. */
  | { readonly retryInMs: number | null; readonly isCrowded?: boolean };

interface Waiter<Ask, T> {
  readonly ask: Ask;
  /** Those with the same key ask for the same thing: where one is refused, the others need not try. */
  readonly key: string;
  readonly since: number;
  readonly resolve: (value: MaybePromise<T>) => void;
  readonly reject: (error: unknown) => void;
  isTrying: boolean;
  /** Refused, or not tried yet, only because others were looking at the same time. */
  isCrowded: boolean;
  /** Monotonic instant from which another attempt is worth it. */
  retryAt: number;
}

/** What an attempt of one in line ended with; `gone`: with an error, or too late. */
type TryEnd = 'served' | 'refused' | 'gone';

interface LineOptions<Ask, T> {
  attempt(ask: Ask): MaybePromise<Attempt<T>>;
  /** An attempt refused with this key suits only who asks for this session. */
  sessionOf(ask: Ask): string | undefined;
  /** Served after it had left the line: to be given back. */
  unclaimed(served: MaybePromise<T>): void;
  now(): number;
  onWaiting(isWaiting: boolean): void;
}

/**
 * Who waits for a session, first come, first served among those whom a freed session suits. One who waits for a
 * particular session, or for a site that rests, holds up nobody else.
 */
export class WaitingLine<Ask, T> {
  readonly #options: LineOptions<Ask, T>;
  readonly #waiters = new Set<Waiter<Ask, T>>();
  readonly #waitingByKey = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isCrowdExpected = false;
  #isWaking = false;
  #isWokenAgain = false;
  /** Counts what may have freed a session: an attempt that was under way meanwhile is made again. */
  #changes = 0;

  constructor(options: LineOptions<Ask, T>) {
    this.#options = options;
  }

  /** Grows with every offer. */
  get changes(): number {
    return this.#changes;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** How long the first in line has waited, in milliseconds; 0 if nobody waits. */
  get oldestWaitMs(): number {
    for (const waiter of this.#waiters) return this.#options.now() - waiter.since;
    return 0;
  }

  /** Whether somebody waits for the same: a newcomer must not overtake. */
  hasWaiting(key: string): boolean {
    return this.#waitingByKey.has(key);
  }

  /** Takes a place in the line. `leave` gives it up; the promise is then rejected with that error. */
  join(
    ask: Ask,
    key: string,
    retryInMs: number | null,
  ): { served: Promise<T>; leave: (error: unknown) => void } {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const now = this.#options.now();
    const waiter = {
      ask,
      key,
      since: now,
      resolve,
      reject,
      isTrying: false,
      isCrowded: true,
      retryAt: at(now, retryInMs),
    };
    this.#waiters.add(waiter);
    this.#waitingByKey.set(key, (this.#waitingByKey.get(key) ?? 0) + 1);
    if (this.#waiters.size === 1) this.#options.onWaiting(true);
    this.#schedule();
    return {
      served: promise,
      leave: (error) => {
        if (this.#remove(waiter)) reject(error);
      },
    };
  }

  /** Something may have become free: one session of that id, or (without an id) anything. */
  offer(sessionId?: string): void {
    this.#changes += 1;
    if (this.#waiters.size > 0) void this.#round(sessionId);
  }

  /** Others freed something: told as often as it happens, it leads to one round at a time, and one more after it. */
  wake(): void {
    this.#isWokenAgain = this.#isWaking;
    if (this.#isWaking) return;
    this.#changes += 1;
    if (this.#waiters.size === 0) return;
    this.#isWaking = true;
    void this.#round(undefined).finally(() => {
      this.#isWaking = false;
      if (this.#isWokenAgain) this.wake();
    });
  }

  /** One who was looking got nothing: to those who were kept from looking meanwhile. Nothing else has changed. */
  offerToCrowded(): void {
    if (this.#waiters.size === 0 || this.#isCrowdExpected) return;
    this.#isCrowdExpected = true;
    // In a turn of its own: from within an attempt, each refusal would begin the next round.
    queueMicrotask(() => {
      this.#isCrowdExpected = false;
      void this.#round(undefined, true);
    });
  }

  /** Sends everyone away. */
  dismiss(makeError: () => unknown): void {
    for (const waiter of [...this.#waiters]) if (this.#remove(waiter)) waiter.reject(makeError());
  }

  /** Offers what is free to the waiters in their order, each kind of ask once; a single freed session ends with its taker. */
  async #round(sessionId: string | undefined, isForCrowded = false): Promise<void> {
    const refused = new Map<string, Waiter<Ask, T>>();
    for (const waiter of this.#waiters) {
      if (waiter.isTrying || (isForCrowded && !waiter.isCrowded)) continue;
      const first = refused.get(waiter.key);
      if (first) {
        // It would hear the same; and an attempt that is due must not stay due, or the line would spin.
        waiter.retryAt = first.retryAt;
        waiter.isCrowded = first.isCrowded;
        continue;
      }
      const wanted = this.#options.sessionOf(waiter.ask);
      if (sessionId !== undefined && wanted !== undefined && wanted !== sessionId) continue;
      const result = this.#try(waiter);
      const end = result instanceof Promise ? await result : result;
      if (end === 'refused') refused.set(waiter.key, waiter);
      else if (end === 'served' && sessionId !== undefined) break;
    }
    this.#schedule();
  }

  #try(waiter: Waiter<Ask, T>): MaybePromise<TryEnd> {
    const changes = this.#changes;
    waiter.isTrying = true;
    let attempt: MaybePromise<Attempt<T>>;
    try {
      attempt = this.#options.attempt(waiter.ask);
    } catch (error) {
      return this.#failed(waiter, error);
    }
    if (!(attempt instanceof Promise)) return this.#tried(waiter, attempt, changes);
    return attempt.then(
      (result) => this.#tried(waiter, result, changes),
      (error) => this.#failed(waiter, error),
    );
  }

  #tried(waiter: Waiter<Ask, T>, result: Attempt<T>, changes: number): MaybePromise<TryEnd> {
    waiter.isTrying = false;
    if ('served' in result) return this.#serve(waiter, result.served);
    if (!this.#waiters.has(waiter)) return 'gone';
    waiter.retryAt = at(this.#options.now(), result.retryInMs);
    waiter.isCrowded = result.isCrowded === true;
    // Something was freed while the store was looking: it may have looked too early.
    return changes === this.#changes ? 'refused' : this.#try(waiter);
  }

  /**
   * Attempts overtake each other where the store takes its time: what a later one got goes to the first in line who
   * asks for the same. Not what is still being made: that is tied to the signal of the one it is made for.
   */
  #serve(waiter: Waiter<Ask, T>, served: MaybePromise<T>): TryEnd {
    const first = served instanceof Promise ? waiter : this.#firstLike(waiter);
    if (first && this.#remove(first)) {
      first.resolve(served);
      return 'served';
    }
    this.#options.unclaimed(served);
    return 'gone';
  }

  #firstLike({ key }: Waiter<Ask, T>): Waiter<Ask, T> | undefined {
    if (!this.#waitingByKey.has(key)) return undefined;
    for (const waiter of this.#waiters) if (waiter.key === key) return waiter;
    return undefined;
  }

  #failed(waiter: Waiter<Ask, T>, error: unknown): TryEnd {
    waiter.isTrying = false;
    if (this.#remove(waiter)) waiter.reject(error);
    // Its own error: the next in line tries for itself, and hears at once if there is nothing to wait for.
    return 'gone';
  }

  #remove(waiter: Waiter<Ask, T>): boolean {
    if (!this.#waiters.delete(waiter)) return false;
    const others = this.#waitingByKey.get(waiter.key)! - 1;
    if (others > 0) this.#waitingByKey.set(waiter.key, others);
    else this.#waitingByKey.delete(waiter.key);
    if (this.#waiters.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#options.onWaiting(false);
    }
    return true;
  }

  /** Comes back when the first of them is worth another attempt. */
  #schedule(): void {
    if (this.#waiters.size === 0) return;
    let next = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters) if (!waiter.isTrying) next = Math.min(next, waiter.retryAt);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (next === Number.POSITIVE_INFINITY) return;
    const inMs = Math.min(Math.max(1, Math.ceil(next - this.#options.now())), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.offer(), inMs);
  }
}

function at(now: number, retryInMs: number | null): number {
  return retryInMs === null ? Number.POSITIVE_INFINITY : now + retryInMs;
}
