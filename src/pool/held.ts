import { LeaseError, type StoreError } from '../errors.ts';
import { Bag } from '../internal/bag.ts';
import { MAX_TIMER_MS } from '../internal/clock.ts';
import { isPromise, type MaybePromise } from '../internal/maybe-promise.ts';
import type { SessionBody } from '../session/body.ts';
import { type Session, sessionInternals } from '../session/session.ts';
import type { ReleaseChange, ReleaseResult, Renewal, RenewOutcome, SessionStatus } from '../stores/store.ts';
import type { Logins } from './accounts/logins.ts';
import { again, returnUnused } from './again.ts';
import type { PoolContext } from './context.ts';
import { type LeaseHome, type SessionLease, safetyMarginMs } from './lease.ts';
import { LONGEST_PAUSE, type Marks, settle } from './mark.ts';
import { isStoreAway } from './outage.ts';
import type { SiteGate } from './site-gate.ts';

const RELEASED = Promise.resolve();
/** A renewal that failed is tried again within this time. */
const RENEW_AGAIN_MS = 1_000;

/** Who is told of what becomes of sessions. */
export interface HeldListener {
  /** One session is free again, or (without an id) there may be room for any. */
  freed(sessionId: string | undefined): void;
  died(lease: SessionLease, reason: string): void;
}

/** The leases that this pool holds: keeps them alive, gives them back, tells their holders when they end early. */
export class HeldLeases implements LeaseHome {
  readonly context: PoolContext;
  readonly #gate: SiteGate;
  readonly #listener: HeldListener;
  readonly #logins: Logins | undefined;
  readonly #leases = new Bag<SessionLease>();
  #timer: NodeJS.Timeout | undefined;
  #nextRoundAt = 0;
  /** Those whose renewal the store has not answered yet. */
  readonly #renewing = new Set<SessionLease>();
  #whenEmpty: PromiseWithResolvers<void> | undefined;

  constructor(context: PoolContext, gate: SiteGate, listener: HeldListener, logins?: Logins) {
    this.context = context;
    this.#gate = gate;
    this.#listener = listener;
    this.#logins = logins;
  }

  add(lease: SessionLease): void {
    this.#leases.add(lease);
    if (!this.#timer) this.#nextRound(this.context.settings.leaseMs / 3);
  }

  /** The store has just come back: what could not be renewed meanwhile is renewed now. */
  renewSoon(): void {
    if (this.#timer) this.#sooner(0);
  }

  /** Resolves when none is held any more. */
  empty(): Promise<void> {
    if (this.#leases.size === 0) return RELEASED;
    this.#whenEmpty ??= Promise.withResolvers();
    return this.#whenEmpty.promise;
  }

  /** Tells the holder in this process, if there is one, at once; in others the next renewal does. */
  abort(sessionId: string, why: string): void {
    for (const lease of this.#leases.all()) if (lease.grant.id === sessionId) lease.abort(why);
  }

  enterSite(site: string, signal: AbortSignal | undefined): Promise<void> {
    return this.#gate.enter(site, signal);
  }

  leaveSite(site: string): void {
    this.#gate.leave(site);
    this.#listener.freed(undefined);
  }

  /** Leaves the place at a site of one who got no session. */
  leaveUnserved(site: string): void {
    this.#gate.leave(site);
  }

  async loginAgain(lease: SessionLease): Promise<boolean> {
    return (await this.#logins?.refresh(lease)) === true;
  }

  giveBack(lease: SessionLease): Promise<void> {
    if (!this.#logins?.isDue(lease)) return this.#giveBack(lease);
    return this.#logins.attend(lease).then(() => {
      // It may have been lost meanwhile.
      lease.guard();
      return this.#giveBack(lease);
    });
  }

  #giveBack(lease: SessionLease): Promise<void> {
    const { context } = this;
    const { session } = lease;
    const marks = settle(lease, context);
    let body: SessionBody | undefined;
    let problem: unknown;
    try {
      body = sessionInternals.readBody(session);
    } catch (error) {
      // User data that JSON cannot carry: the rest is saved all the same, and the caller told.
      problem = error;
    }
    const isChanged = body !== undefined && body !== lease.storedBody;
    const written = isChanged ? context.bodies.write(session.id, body!) : undefined;
    // Age is checked when leasing. To look at it here, too, costs a clock and a far place in memory, and is done only
    // where somebody wants to hear of it.
    const isAgeTold = context.events.isHeard('retired');
    const status = isAgeTold ? session.status : sessionInternals.statusByUse(session);
    const change = changeOf(session, status, marks, written);
    const changedTag = lease.proxy?.changedTag;
    if (changedTag !== undefined) change.tag = changedTag;
    if (body) lease.hold(session, body);
    lease.end('ended');
    let result: MaybePromise<ReleaseResult>;
    try {
      result = context.store.release(lease.grant, change);
      if (!isPromise(result)) {
        this.#gone(lease);
        this.#released(lease, change, result);
        return problem === undefined ? RELEASED : Promise.reject(problem);
      }
    } catch (error) {
      this.#gone(lease);
      return Promise.reject(error);
    }
    return result
      .catch((error) => {
        if (!isStoreAway(error)) throw error;
        return again(
          context.outage,
          error,
          () => lease.leftMs,
          () => context.store.release(lease.grant, change, true),
        );
      })
      .then(
        (outcome) => {
          if (isChanged && outcome === 'released') context.bodies.remember(session.id, body!, written);
          this.#gone(lease);
          this.#released(lease, change, outcome);
          if (problem !== undefined) throw problem;
        },
        (error) => {
          if (isStoreAway(error)) throw this.#neverReleased(lease, error);
          this.drop(lease, 'lost');
          throw error;
        },
      );
  }

  /** The lease is over without having been given back. */
  drop(lease: SessionLease, state: 'ended' | 'lost'): void {
    lease.end(state);
    this.#gone(lease);
    this.#listener.freed(undefined);
  }

  /** The lease is over before anybody had it: nothing is free now that was not before. */
  forget(lease: SessionLease): void {
    lease.end('ended');
    this.#gone(lease);
  }

  /** Gives back whatever is still held, as far as its tasks came, and tells them. */
  async giveBackAll(why: string): Promise<void> {
    const { events } = this.context;
    const giveBack = async (lease: SessionLease): Promise<void> => {
      lease.abort(why);
      if (!lease.isHeld) return;
      try {
        if (lease.hasSession) await this.giveBack(lease);
        // A place: its maker, who has just been told to stop, may take its time.
        else await returnUnused(this.context, lease.grant);
      } catch (error) {
        events.emit('error', { error, during: `giving back session ${lease.grant.id}` });
      }
    };
    await Promise.all(this.#leases.all().map(giveBack));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Takes it out of what is held, and its user from the site. */
  #gone(lease: SessionLease): void {
    if (!this.#leases.delete(lease)) return;
    const { site } = lease;
    if (site !== undefined) this.#gate.leave(site);
    lease.proxy?.leave();
    if (this.#leases.size === 0 && this.#whenEmpty) {
      this.#whenEmpty.resolve();
      this.#whenEmpty = undefined;
    }
  }

  #released(lease: SessionLease, change: ReleaseChange, outcome: ReleaseResult): void {
    const { events, connections, bodies } = this.context;
    const sessionId = lease.grant.id;
    if (outcome === 'lost') {
      this.#lostInRelease(lease, 'the lease was over before the release');
      lease.guard();
    }
    if (events.isHeard('released')) events.emit('released', { sessionId, heldMs: lease.heldMs });
    if (change.status !== 'usable') {
      connections.drop(sessionId);
      bodies.forget(sessionId);
    }
    if (outcome !== 'lost' && (change.status !== 'usable' || outcome === 'ordered'))
      this.#listener.died(lease, change.reason ?? 'retired from outside');
    this.#tellMarks(lease.session, change);
    // A session that died makes room for a new one, and a place at a site may suit anybody.
    const isOneSession = change.status === 'usable' && outcome === 'released' && lease.site === undefined;
    this.#listener.freed(isOneSession ? sessionId : undefined);
  }

  #lostInRelease(lease: SessionLease, reason: string): void {
    const { events, connections, bodies } = this.context;
    const sessionId = lease.grant.id;
    lease.end('lost', true);
    bodies.forget(sessionId);
    // Another task of this very pool may have it by now, and its connections with it.
    const isHeldAgain = this.#leases.all().some((other) => other !== lease && other.grant.id === sessionId);
    if (!isHeldAgain) connections.drop(sessionId);
    if (events.isHeard('lost')) events.emit('lost', { sessionId, reason });
  }

  /** The store was away until the lease was over: whether anything was saved, nobody here knows. */
  #neverReleased(lease: SessionLease, cause: StoreError): LeaseError {
    const sessionId = lease.grant.id;
    this.#gone(lease);
    this.#lostInRelease(lease, 'the store was away, and its release was not acknowledged');
    this.#listener.freed(undefined);
    const message = `session ${sessionId} could not be given back, for the store was away: what was done with it may be lost`;
    return new LeaseError('LEASE_LOST', sessionId, message, { cause });
  }

  #tellMarks(session: Session, change: ReleaseChange): void {
    const { events } = this.context;
    const isPlain = change.status === 'usable' && !change.restMs && !change.blocks?.length;
    if (isPlain) return;
    const last = session.decisions.at(-1);
    const sessionId = session.id;
    const reason = last?.rule ?? '';
    const evidence = last?.evidence ?? '';
    if (change.status !== 'usable')
      events.emit('retired', { sessionId, reason: change.reason ?? change.status, evidence });
    if (change.restMs && change.restMs > LONGEST_PAUSE * this.context.settings.minDelayMs) {
      events.emit('rested', { sessionId, ms: change.restMs, reason, evidence });
    }
    for (const { site, ms } of change.blocks ?? []) {
      if (ms === null) events.emit('banned', { sessionId, site, reason, evidence });
      else events.emit('rested', { sessionId, site, ms, reason, evidence });
    }
  }

  #sooner(inMs: number): void {
    if (performance.now() + inMs < this.#nextRoundAt) this.#nextRound(inMs);
  }

  #nextRound(inMs: number): void {
    clearTimeout(this.#timer);
    this.#nextRoundAt = performance.now() + inMs;
    this.#timer = setTimeout(() => this.#round(), Math.min(inMs, MAX_TIMER_MS));
    this.#timer.unref();
  }

  /**
   * Ends what is over and renews what will be. That a holder must stop is never an answer's to tell, for it may not come:
   * the rounds are timed so that one falls on the moment when a lease is no longer safe.
   */
  #round(): void {
    if (this.#leases.size === 0) {
      this.stop();
      return;
    }
    const { settings, monotonic } = this.context;
    const { leaseMs } = settings;
    const safeForMs = leaseMs - safetyMarginMs(leaseMs);
    const due: SessionLease[] = [];
    let nextInMs = leaseMs / 3;
    const comeBackIn = (ms: number) => {
      if (ms > 0) nextInMs = Math.min(nextInMs, Math.ceil(ms));
    };
    // A copy: who is dropped leaves the list.
    for (const lease of this.#leases.all()) {
      if (!lease.isHeld) continue;
      const age = monotonic() - lease.renewedAt;
      const { heldMs, maxHoldMs } = lease;
      if (age >= safeForMs) lease.abort('it could not be renewed in time');
      // The store has it back: a task that hangs must not keep its place at the site from all others.
      if (age >= leaseMs && lease.hasSession) {
        this.#lost(lease, 'it ran out while it was held');
        continue;
      }
      if (heldMs >= maxHoldMs) lease.abort(`held for longer than maxHoldMs (${maxHoldMs} ms)`);
      // Young enough to wait for the next round: most leases are never renewed at all.
      else if (age >= leaseMs / 4 && !this.#renewing.has(lease)) due.push(lease);
      comeBackIn(maxHoldMs - heldMs);
      comeBackIn(age < safeForMs ? safeForMs - age : leaseMs - age);
    }
    this.#nextRound(nextInMs);
    if (due.length > 0) void this.#renew(due);
  }

  async #renew(due: readonly SessionLease[]): Promise<void> {
    const { clock, settings, events, store, monotonic } = this.context;
    const askedAt = monotonic();
    const askedAtWall = clock.now();
    const renewals = due.map((lease) => this.#renewal(lease));
    for (const lease of due) this.#renewing.add(lease);
    try {
      const outcomes = await store.renew(renewals);
      for (const [index, outcome] of outcomes.entries()) {
        const lease = due[index]!;
        // A place that became a session meanwhile has a new lease, and is not lost.
        if (lease.grant === renewals[index]!.lease) this.#renewed(lease, outcome, askedAt, askedAtWall);
      }
    } catch (error) {
      // That the store is away has been told, once.
      if (!isStoreAway(error)) events.emit('error', { error, during: `the renewal of ${due.length} leases` });
      if (this.#timer) this.#sooner(Math.min(RENEW_AGAIN_MS, settings.leaseMs / 10) * Math.random());
    } finally {
      for (const lease of due) this.#renewing.delete(lease);
    }
  }

  /** With a checkpoint of the body, so that a crash loses less; a live body needs none, it dies with us. */
  #renewal(lease: SessionLease): Renewal {
    const { leaseMs } = this.context.settings;
    if (this.context.store.capabilities.bodies === 'live' || !lease.hasSession)
      return { lease: lease.grant, leaseMs };
    try {
      const body = sessionInternals.readBody(lease.session);
      if (body && body !== lease.storedBody)
        return { lease: lease.grant, leaseMs, body: this.context.bodies.write(lease.session.id, body) };
    } catch {
      // User data in the middle of a change; the release tells the holder.
    }
    return { lease: lease.grant, leaseMs };
  }

  #renewed(lease: SessionLease, outcome: RenewOutcome, askedAt: number, askedAtWall: number): void {
    if (!lease.isHeld) return;
    if (outcome.kind === 'held') {
      lease.renewed(askedAt, askedAtWall);
      if (outcome.order?.kind === 'retire') lease.abort(`retired from outside: ${outcome.order.reason}`);
      return;
    }
    lease.abort('the store gave the session to another, or removed it');
    this.#lost(lease, 'it could not be renewed');
  }

  #lost(lease: SessionLease, reason: string): void {
    this.context.events.emit('lost', { sessionId: lease.grant.id, reason });
    this.drop(lease, 'lost');
  }
}

function changeOf(session: Session, status: SessionStatus, marks: Marks, body: unknown): ReleaseChange {
  return {
    usageCount: session.usageCount,
    errorScore: session.errorScore,
    status,
    reason: status === 'usable' ? null : (sessionInternals.retiredFor(session) ?? status),
    restMs: marks.restMs,
    blocks: marks.blocks,
    body,
  };
}
