import type { MaybePromise } from '../internal/maybe-promise.ts';
import type { Ask } from './ask.ts';
import type { SessionLease } from './lease.ts';
import type { Attempt } from './waiting-line.ts';

/** Who looks for sessions, as those see it who open or make what it found. */
export interface Seeker {
  /** Looks once more, for another. */
  attempt(ask: Ask): MaybePromise<Attempt<SessionLease>>;
  /** In line, where the error is that the store is away; else throws it. */
  later(error: unknown): Attempt<SessionLease>;
  /** Waits in line; `retryInMs`: until another look is worth it. */
  wait(ask: Ask, retryInMs: number): Promise<SessionLease>;
  /** Something may suit those who wait. */
  offer(): void;
  /** A place at a site that was taken and not needed may suit those who found none. */
  offerToCrowded(): void;
  /** What whoever asks is told by now, where the pool gives out no more. */
  refusal(): Error | undefined;
}
