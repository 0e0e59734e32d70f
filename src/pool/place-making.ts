import { isPromise, type MaybePromise } from '../internal/maybe-promise.ts';
import { NoAccountLeft, type TakenAccount } from './accounts/pool-accounts.ts';
import { returnUnused } from './again.ts';
import type { Ask } from './ask.ts';
import type { PoolContext } from './context.ts';
import { type Creation, NoProxyError } from './creation.ts';
import type { HeldLeases } from './held.ts';
import type { SessionLease } from './lease.ts';
import { isStoreAway } from './outage.ts';
import type { Seeker } from './seeker.ts';
import type { SiteTurns } from './site-turns.ts';
import type { Attempt } from './waiting-line.ts';

/** Fills the places that the store reserves with new sessions; a place that could not be filled is given back. */
export class PlaceMaking {
  readonly #context: PoolContext;
  readonly #held: HeldLeases;
  readonly #creation: Creation;
  readonly #turns: SiteTurns;
  readonly #seeker: Seeker;

  constructor(context: PoolContext, held: HeldLeases, creation: Creation, turns: SiteTurns, seeker: Seeker) {
    this.#context = context;
    this.#held = held;
    this.#creation = creation;
    this.#turns = turns;
    this.#seeker = seeker;
  }

  /** Until a session may be made, as far as its maker, its account and its proxy are concerned. */
  get pausedForMs(): number {
    const { pausedForMs, accounts } = this.#creation;
    return Math.max(pausedForMs, accounts?.pausedForMs ?? 0, this.#context.proxies?.pausedForMs ?? 0);
  }

  /** Whether it must not be tried now: one tries after a pause; who asked at the same time looks again without making any. */
  isHeldUp(): boolean {
    return this.#creation.pausedForMs > 0 || this.#context.proxies?.hasRoom() === false;
  }

  /** For one who asks: of an account, if the pool has any; where none can be had, whoever asks stays in line. */
  fill(ask: Ask, lease: SessionLease): MaybePromise<Attempt<SessionLease>> {
    const claiming = this.#creation.claim();
    return claiming ? this.#fillAs(claiming, ask, lease) : { served: this.#make(ask, lease) };
  }

  /** For nobody in particular. @throws what {@link Creation.create} throws */
  async fillForStock(lease: SessionLease, signal: AbortSignal): Promise<SessionLease> {
    try {
      return await this.#creation.create(lease, signal);
    } catch (error) {
      await this.#giveBack(lease);
      throw error;
    }
  }

  async #fillAs(
    claiming: Promise<TakenAccount>,
    ask: Ask,
    lease: SessionLease,
  ): Promise<Attempt<SessionLease>> {
    try {
      const claimed = await claiming;
      return { served: this.#make(ask, lease, claimed) };
    } catch (error) {
      await this.#giveBack(lease);
      if (error instanceof NoAccountLeft || error instanceof NoProxyError) return this.#seeker.attempt(ask);
      return this.#seeker.later(error);
    }
  }

  #make(ask: Ask, lease: SessionLease, claimed?: TakenAccount): MaybePromise<SessionLease> {
    const failed = async (error: unknown): Promise<SessionLease> => {
      await this.#giveBack(lease);
      // Not its maker's fault: another place, or what others give back.
      if (isStoreAway(error)) return this.#seeker.wait(ask, this.#context.outage.retryInMs);
      if (error instanceof NoProxyError) return this.#seeker.wait(ask, this.#context.proxies!.pausedForMs);
      if (error instanceof NoAccountLeft) return this.#seeker.wait(ask, 0);
      throw error;
    };
    try {
      const creating = this.#creation.create(lease, ask.signal, claimed);
      if (ask.site === undefined) return isPromise(creating) ? creating.catch(failed) : creating;
      const { site, signal } = ask;
      const paced = (made: SessionLease) => this.#turns.take(site, made, signal);
      return isPromise(creating) ? creating.then(paced, failed) : paced(creating);
    } catch (error) {
      return failed(error);
    }
  }

  async #giveBack(lease: SessionLease): Promise<void> {
    this.#held.drop(lease, 'ended');
    // The pool has freed the place itself, and it is not the maker's fault.
    const refusal = this.#seeker.refusal();
    if (refusal && lease.signal.aborted) throw refusal;
    try {
      await returnUnused(this.#context, lease.grant);
    } finally {
      this.#seeker.offer();
    }
  }
}
