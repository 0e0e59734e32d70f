import { setTimeout as sleep } from 'node:timers/promises';
import type { MaybePromise } from '../internal/maybe-promise.ts';
import type { PoolContext } from './context.ts';
import type { SessionLease } from './lease.ts';

/** When each user may go to a site, as its pace has it. */
export class SiteTurns {
  readonly #context: PoolContext;

  constructor(context: PoolContext) {
    this.#context = context;
  }

  /** How long another should go before this one, in milliseconds; 0: its turn is near. */
  yieldsForMs(site: string, { session }: SessionLease): number {
    return Math.ceil(this.#context.sites.awayMs(site, session));
  }

  /** Takes its turn, and holds it until then. @throws the signal's reason, once it is given back */
  take(site: string, lease: SessionLease, signal: AbortSignal | undefined): MaybePromise<SessionLease> {
    const { sites, clock } = this.#context;
    const turnInMs = sites.take(site, lease.session);
    lease.wentAt = clock.monotonic();
    return turnInMs === 0 ? lease : this.#hold(site, lease, signal, turnInMs);
  }

  /** Until its turn, and longer where the site refused others meanwhile. */
  async #hold(
    site: string,
    lease: SessionLease,
    signal: AbortSignal | undefined,
    inMs: number,
  ): Promise<SessionLease> {
    const { sites, clock } = this.#context;
    for (let leftMs = inMs; leftMs > 0; leftMs = sites.restMs(site, lease.session)) {
      await sleep(leftMs);
      if (!signal?.aborted) continue;
      await lease.release();
      throw signal.reason;
    }
    lease.wentAt = clock.monotonic();
    return lease;
  }
}
