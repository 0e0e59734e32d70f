import { StateError } from '../errors.ts';
import { isPromise, type MaybePromise } from '../internal/maybe-promise.ts';
import { isLazy, type LazyBody, type SessionBody } from '../session/body.ts';
import { sessionInternals } from '../session/session.ts';
import type { ReleaseChange, StoredSession } from '../stores/store.ts';
import type { Ask } from './ask.ts';
import type { PoolContext } from './context.ts';
import type { HeldLeases } from './held.ts';
import type { SessionLease } from './lease.ts';
import type { Admission } from './proxies/pool-proxies.ts';
import type { Retirement } from './retirement.ts';
import type { Seeker } from './seeker.ts';
import type { SiteTurns } from './site-turns.ts';
import type { Attempt } from './waiting-line.ts';

/** A stored session that this troupe cannot read is passed over for so long. */
const UNREADABLE_REST_MS = 60_000;
/** After so many in a row who may not go now, the others who wait have their turn. */
const MAX_TURNED_BACK = 16;
const LOOK_AGAIN_MS = 5;

/**
 * Makes of a record that the store has leased the session that a task gets: its body is read, its proxy must take it, its
 * browser is brought up to date, and its turn at the site comes. Who may not go now goes back, and another is looked for.
 */
export class LeaseOpening {
  readonly #context: PoolContext;
  readonly #held: HeldLeases;
  readonly #turns: SiteTurns;
  readonly #retirement: Retirement;
  readonly #seeker: Seeker;

  constructor(
    context: PoolContext,
    held: HeldLeases,
    turns: SiteTurns,
    retirement: Retirement,
    seeker: Seeker,
  ) {
    this.#context = context;
    this.#held = held;
    this.#turns = turns;
    this.#retirement = retirement;
    this.#seeker = seeker;
  }

  open(ask: Ask, lease: SessionLease, stored: Readonly<StoredSession>): MaybePromise<Attempt<SessionLease>> {
    const { bodies, proxies, fingerprints } = this.#context;
    try {
      if (!proxies) {
        // A body that nobody looks into need not be decoded.
        const body = fingerprints ? bodies.read(stored) : bodies.open(stored);
        return this.#restore(ask, lease, stored, body, body);
      }
      const read = bodies.read(stored);
      const admission = proxies.admit(stored, read);
      return isPromise(admission)
        ? admission.then((answer) => this.#admitted(ask, lease, stored, read, answer))
        : this.#admitted(ask, lease, stored, read, admission);
    } catch (error) {
      return this.#passOver(ask, lease, stored.usageCount, stored.errorScore, error);
    }
  }

  /** Through its proxy, if it may go out now; else it rests, and another is asked for. */
  #admitted(
    ask: Ask,
    lease: SessionLease,
    stored: Readonly<StoredSession>,
    read: SessionBody,
    admission: Admission,
  ): MaybePromise<Attempt<SessionLease>> {
    if (admission.kind === 'admitted') {
      lease.proxy = admission.proxy;
      return this.#restore(ask, lease, stored, read, admission.body);
    }
    // A copy: the store's own record changes when it is given back.
    const { id, createdAt, expiresAt, usageCount, errorScore } = stored;
    if (admission.kind === 'resting')
      return this.#turnBack(ask, lease, { usageCount, errorScore, status: 'usable', restMs: admission.ms });
    const { reason } = admission;
    const columns = { id, createdAt, expiresAt, usageCount, errorScore };
    return this.#turnBack(ask, lease, { usageCount, errorScore, status: 'retired', reason }, () =>
      this.#retirement.diedUnused(columns, read, reason),
    );
  }

  /** It may not go now: it goes back, changed, and another is asked for. */
  #turnBack(
    ask: Ask,
    lease: SessionLease,
    change: ReleaseChange,
    onReleased?: () => void,
  ): Promise<Attempt<SessionLease>> {
    this.#held.forget(lease);
    if (ask.site !== undefined) this.#seeker.offerToCrowded();
    ask.turnedBack += 1;
    const isEnough = ask.turnedBack % MAX_TURNED_BACK === 0;
    return Promise.resolve(this.#context.store.release(lease.grant, change)).then(
      (outcome) => {
        if (outcome !== 'lost') onReleased?.();
        return isEnough ? { retryInMs: LOOK_AGAIN_MS } : this.#seeker.attempt(ask);
      },
      (failure) => this.#seeker.later(failure),
    );
  }

  #restore(
    ask: Ask,
    lease: SessionLease,
    stored: Readonly<StoredSession>,
    read: SessionBody | LazyBody,
    current: SessionBody | LazyBody,
  ): MaybePromise<Attempt<SessionLease>> {
    const { fingerprints, storeClock: clock } = this.#context;
    try {
      const { id, usageCount, errorScore } = stored;
      const body = fingerprints && !isLazy(current) ? fingerprints.advance(id, current) : current;
      const parts = { id, life: stored, usageCount, errorScore, retired: null, body, bond: lease, clock };
      lease.hold(sessionInternals.restore(parts), read);
    } catch (error) {
      return this.#passOver(ask, lease, stored.usageCount, stored.errorScore, error);
    }
    return ask.site === undefined ? { served: lease } : this.#paced(ask, ask.site, lease);
  }

  /** A user whose turn at the site is far lets others go before it. */
  #paced(ask: Ask, site: string, lease: SessionLease): MaybePromise<Attempt<SessionLease>> {
    const ms = this.#turns.yieldsForMs(site, lease);
    if (ms === 0) return { served: this.#turns.take(site, lease, ask.signal) };
    const { usageCount, errorScore } = lease.session;
    return this.#turnBack(ask, lease, { usageCount, errorScore, status: 'usable', blocks: [{ site, ms }] });
  }

  /** What is stored cannot be read: it stays as it is, and rests, so that others are asked first. */
  #passOver(
    ask: Ask,
    lease: SessionLease,
    usageCount: number,
    errorScore: number,
    error: unknown,
  ): MaybePromise<Attempt<SessionLease>> {
    const { store, events } = this.#context;
    const sessionId = lease.grant.id;
    this.#held.drop(lease, 'ended');
    const reason = error instanceof Error ? error.message : String(error);
    events.emit('skipped', { sessionId, reason });
    const change = { usageCount, errorScore, status: 'usable', restMs: UNREADABLE_REST_MS } as const;
    return Promise.resolve(store.release(lease.grant, change)).then(
      () => {
        if (ask.id !== undefined || !(error instanceof StateError)) throw error;
        return this.#seeker.attempt(ask);
      },
      (failure) => this.#seeker.later(failure),
    );
  }
}
