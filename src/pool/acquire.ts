import { siteOf } from '../cookies/site.ts';
import { AcquireError, PoolClosedError } from '../errors.ts';
import { MAX_TIMER_MS } from '../internal/clock.ts';
import { Deadlines } from '../internal/deadlines.ts';
import { isPromise, type MaybePromise } from '../internal/maybe-promise.ts';
import { siteNamed } from '../session/site-name.ts';
import type { LeaseRequest, LeaseResult, Lease as StoreLease } from '../stores/store.ts';
import { returnUnused } from './again.ts';
import { type Ask, acquireError } from './ask.ts';
import type { PoolContext } from './context.ts';
import type { Creation } from './creation.ts';
import { firstLook } from './first-look.ts';
import type { HeldLeases } from './held.ts';
import { SessionLease, safetyMarginMs } from './lease.ts';
import { LeaseOpening } from './opening-lease.ts';
import { type AcquireOptions, checkAcquireOptions } from './options.ts';
import { isStoreAway } from './outage.ts';
import { PlaceMaking } from './place-making.ts';
import type { Retirement } from './retirement.ts';
import type { Seeker } from './seeker.ts';
import { SiteTurns } from './site-turns.ts';
import type { StockNotice } from './stock-notice.ts';
import { type Attempt, WaitingLine } from './waiting-line.ts';

/** Stores that other processes use, and that cannot tell of it, are asked again this often while somebody waits. */
const POLL_MS = 1_000;
/** A wake-up across a network can get lost while its connection is made anew. */
const SAFETY_POLL_MS = 2_000;
/** Who waits for a stock that somebody else keeps asks again so often. */
const STOCK_POLL_MS = 250;

/** Gets sessions: asks the store, has them opened, or made in the places it reserves, and keeps the line of those who wait. */
export class Acquirer implements Seeker {
  readonly #context: PoolContext;
  readonly #held: HeldLeases;
  readonly #creation: Creation;
  readonly #opening: LeaseOpening;
  readonly #making: PlaceMaking;
  readonly #stockNotice: StockNotice;
  readonly #line: WaitingLine<Ask, SessionLease>;
  readonly #anyone: Ask;
  #stopWatching: (() => void) | undefined;
  #refusal: (() => Error) | undefined;
  /** How many attempts wait for the store, and who is to hear when none does any more. */
  #underWay = 0;
  #whenSettled: PromiseWithResolvers<void> | undefined;
  readonly #deadlines = new Deadlines();

  constructor(
    context: PoolContext,
    held: HeldLeases,
    creation: Creation,
    retirement: Retirement,
    notice: StockNotice,
  ) {
    this.#stockNotice = notice;
    this.#context = context;
    this.#held = held;
    this.#creation = creation;
    const turns = new SiteTurns(context);
    this.#opening = new LeaseOpening(context, held, turns, retirement, this);
    this.#making = new PlaceMaking(context, held, creation, turns, this);
    this.#anyone = this.#askOf({});
    this.#line = new WaitingLine({
      attempt: (ask) => this.attempt(ask),
      sessionOf: (ask) => ask.id,
      unclaimed: (served) => this.#unclaimed(served),
      now: () => context.clock.monotonic(),
      onWaiting: (isWaiting) => this.#watch(isWaiting),
    });
  }

  get line(): WaitingLine<Ask, SessionLease> {
    return this.#line;
  }

  /** From now on nobody gets a session; who waits is sent away. */
  refuse(why: string): void {
    this.#refusal = () => new PoolClosedError(why);
    this.#line.dismiss(this.#refusal);
  }

  refusal(): Error | undefined {
    return this.#refusal?.();
  }

  offer(): void {
    this.#line.offer();
  }

  offerToCrowded(): void {
    this.#line.offerToCrowded();
  }

  /** Resolves when no attempt waits for the store any more: after {@link refuse}, nothing more is taken. */
  async settled(): Promise<void> {
    while (this.#underWay > 0) {
      this.#whenSettled ??= Promise.withResolvers();
      await this.#whenSettled.promise;
    }
  }

  acquire(options: AcquireOptions | undefined): Promise<SessionLease> {
    const { events, clock } = this.#context;
    try {
      const ask = options === undefined ? this.#anyone : this.#checkedAsk(options);
      if (!events.isHeard('acquired')) return this.#acquire(ask);
      const since = clock.monotonic();
      return this.#acquire(ask).then((lease) => {
        const waitedMs = clock.monotonic() - since;
        events.emit('acquired', { sessionId: lease.session.id, site: ask.site, waitedMs });
        return lease;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Makes one session for the stock, if there is room below this limit; `undefined`: none is to be made now. Its failures
   * are those of {@link Creation.create}.
   */
  async makeForStock(
    limit: number,
    signal: AbortSignal,
  ): Promise<{ lease: Promise<SessionLease> } | undefined> {
    if (this.#refusal || this.#making.pausedForMs > 0) return undefined;
    const { store, settings, holder, monotonic, clock } = this.#context;
    const { rotation, leaseMs } = settings;
    const askedAt = monotonic();
    const askedAtWall = clock.now();
    const result = await store.lease({ rotation, fill: 'first', leaseMs, holder, limit });
    if (result.kind === 'leased' || (result.kind === 'vacant' && this.#refusal)) {
      // Others were faster, and it is one of theirs.
      await returnUnused(this.#context, result.lease);
      return undefined;
    }
    if (result.kind !== 'vacant') return undefined;
    const ask = this.#askOf({ signal });
    const lease = this.#take(ask, result.lease, askedAt, askedAtWall);
    return { lease: this.#making.fillForStock(lease, signal) };
  }

  #acquire(ask: Ask): Promise<SessionLease> {
    if (this.#refusal) throw this.#refusal();
    ask.signal?.throwIfAborted();
    if (this.#line.hasWaiting(ask.key)) return this.wait(ask, null);
    const changes = this.#line.changes;
    const attempt = this.attempt(ask);
    if (isPromise(attempt)) {
      return firstLook({
        ask,
        attempt,
        deadlines: this.#deadlines,
        timeIsUp: this.#timeIsUp,
        unclaimed: this.#unclaimed,
        // What was freed while the store was looking is worth another look.
        wait: (_, retryInMs, leftMs) =>
          this.wait(ask, this.#line.changes === changes ? retryInMs : 0, leftMs),
      });
    }
    return 'served' in attempt ? Promise.resolve(attempt.served) : this.wait(ask, attempt.retryInMs);
  }

  #checkedAsk(options: AcquireOptions): Ask {
    checkAcquireOptions(options);
    return this.#askOf(options);
  }

  #askOf({ id, url, site: named, maxHoldMs, timeoutMs, signal }: AcquireOptions): Ask {
    const { settings } = this.#context;
    const site = named === undefined ? (url === undefined ? undefined : siteOf(url)) : siteNamed(named);
    return {
      id,
      site,
      key: `${id ?? ''} ${site ?? ''} ${maxHoldMs ?? ''}`,
      maxHoldMs: maxHoldMs ?? settings.maxHoldMs,
      timeoutMs: timeoutMs ?? settings.timeoutMs,
      signal,
      request: undefined,
      turnedBack: 0,
    };
  }

  /** Nobody is there any more to take it. */
  readonly #unclaimed = (served: MaybePromise<SessionLease>): void => {
    Promise.resolve(served)
      .then((lease) => lease.release())
      .catch(() => {});
  };

  /** Waits in line. */
  wait(ask: Ask, retryInMs: number | null, leftMs = ask.timeoutMs): Promise<SessionLease> {
    // Also for who asked before: the line was sent away while the store was looking.
    if (this.#refusal) return Promise.reject(this.#refusal());
    if (ask.signal?.aborted) return Promise.reject(ask.signal.reason);
    const { served, leave } = this.#line.join(ask, ask.key, retryInMs);
    const timer = setTimeout(() => this.#timeIsUp(ask, leave), Math.min(Math.max(leftMs, 0), MAX_TIMER_MS));
    const giveUp = () => leave(ask.signal!.reason);
    ask.signal?.addEventListener('abort', giveUp, { once: true });
    return served.finally(() => {
      clearTimeout(timer);
      ask.signal?.removeEventListener('abort', giveUp);
    });
  }

  readonly #timeIsUp = (ask: Ask, leave: (error: unknown) => void): void => {
    acquireError('ACQUIRE_TIMEOUT', ask, this.#context).then(leave, leave);
  };

  attempt(ask: Ask): MaybePromise<Attempt<SessionLease>> {
    if (this.#refusal) throw this.#refusal();
    const { sites, store, clock, monotonic, sharesClock, outage } = this.#context;
    if (ask.site !== undefined) {
      const waitMs = sites.waitMs(ask.site);
      if (waitMs === Number.POSITIVE_INFINITY) {
        return { retryInMs: null, isCrowded: true };
      }
      if (waitMs > 0) return { retryInMs: waitMs };
    }
    const awayMs = outage.probe();
    if (awayMs > 0) return { retryInMs: awayMs };
    if (ask.site !== undefined) sites.enter(ask.site);
    // A store that shares our clock answers in the same moment: one look at it is enough.
    const askedAt = sharesClock ? undefined : monotonic();
    const askedAtWall = sharesClock ? undefined : clock.now();
    let result: MaybePromise<LeaseResult>;
    try {
      result = store.lease(this.#request(ask));
    } catch (error) {
      if (ask.site !== undefined) this.#leaveUnserved(ask.site);
      throw error;
    }
    if (!isPromise(result)) return this.#answered(ask, result, askedAt, askedAtWall);
    const attempt = result.then(
      (answer) => this.#answered(ask, answer, askedAt, askedAtWall),
      (error) => {
        if (ask.site !== undefined) this.#leaveUnserved(ask.site);
        return this.later(error);
      },
    );
    this.#underWay += 1;
    attempt.then(this.#settleOne, this.#settleOne);
    return attempt;
  }

  readonly #settleOne = (): void => {
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    this.#whenSettled?.resolve();
    this.#whenSettled = undefined;
  };

  /** Where the store is away, whoever asks stays in line, and is tried again when it is back. */
  later(error: unknown): Attempt<SessionLease> {
    if (!isStoreAway(error)) throw error;
    return { retryInMs: this.#context.outage.retryInMs };
  }

  /** Made once an ask: it changes only when creation pauses. */
  #request(ask: Ask): LeaseRequest {
    const { settings, holder } = this.#context;
    const limit = settings.create && this.#making.pausedForMs === 0 ? settings.maxPoolSize : undefined;
    if (ask.request?.limit === limit && ask.request) return ask.request;
    const { rotation, fill, leaseMs } = settings;
    ask.request = { rotation, fill, leaseMs, holder, id: ask.id, site: ask.site, limit, wake: true };
    return ask.request;
  }

  #answered(
    ask: Ask,
    result: LeaseResult,
    askedAt: number | undefined,
    askedAtWall: number | undefined,
  ): MaybePromise<Attempt<SessionLease>> {
    if (this.#refusal && (result.kind === 'leased' || result.kind === 'vacant')) {
      const error = this.#refusal();
      return this.#returnUnused(ask, result.lease).then(() => Promise.reject(error));
    }
    const isHeldNow = result.kind === 'leased' || result.kind === 'vacant';
    if (isHeldNow && askedAt !== undefined && this.#isTooLate(askedAt, askedAtWall!))
      return this.#returnUnused(ask, result.lease).then(() => this.attempt(ask));
    if (result.kind === 'leased') {
      const lease = this.#take(ask, result.lease, askedAt ?? result.now, askedAtWall ?? result.now);
      return this.#opening.open(ask, lease, result.session);
    }
    if (result.kind === 'vacant') {
      if (this.#making.isHeldUp()) return this.#returnUnused(ask, result.lease).then(() => this.attempt(ask));
      const lease = this.#take(ask, result.lease, askedAt ?? result.now, askedAtWall ?? result.now);
      return this.#making.fill(ask, lease);
    }
    if (ask.site !== undefined) this.#leaveUnserved(ask.site);
    if (result.kind === 'again') return nextTurn().then(() => this.attempt(ask));
    return this.#none(ask, result.retryInMs);
  }

  /** What the store found goes back as it was: things have changed while it was looking. */
  async #returnUnused(ask: Ask, grant: StoreLease): Promise<void> {
    if (ask.site !== undefined) this.#leaveUnserved(ask.site);
    await returnUnused(this.#context, grant);
  }

  /** A lease that took so long to arrive that it may be over again. */
  #isTooLate(askedAt: number, askedAtWall: number): boolean {
    const { clock, monotonic, settings } = this.#context;
    const age = Math.max(monotonic() - askedAt, clock.now() - askedAtWall);
    return age >= settings.leaseMs - safetyMarginMs(settings.leaseMs);
  }

  /** Gives up the place at a site that an attempt took and did not need, to those who found no place meanwhile. */
  #leaveUnserved(site: string): void {
    this.#held.leaveUnserved(site);
    this.#line.offerToCrowded();
  }

  #take(ask: Ask, grant: StoreLease, askedAt: number, askedAtWall: number): SessionLease {
    const held = this.#held;
    const lease = new SessionLease(held, grant, askedAt, askedAtWall, ask.maxHoldMs, ask.site);
    held.add(lease);
    return lease;
  }

  #none(ask: Ask, retryInMs: number | null): MaybePromise<Attempt<SessionLease>> {
    const { settings, store } = this.#context;
    const pausedMs = settings.create ? this.#making.pausedForMs : 0;
    const isProxyAwaited =
      settings.create && ask.id === undefined && (this.#context.proxies?.pausedForMs ?? 0) > 0;
    if (retryInMs === null && !isProxyAwaited) {
      if (this.#creation.pausedForMs > 0 && settings.create && ask.id === undefined)
        throw this.#creation.pausedError();
      return this.#noneAtAll(ask);
    }
    let inMs = retryInMs ?? Number.POSITIVE_INFINITY;
    if (pausedMs > 0) inMs = Math.min(inMs, pausedMs);
    const { shared, wakeUps } = store.capabilities;
    if (shared === 'network' && wakeUps) inMs = Math.min(inMs, SAFETY_POLL_MS);
    else if (shared !== 'process' && !wakeUps) inMs = Math.min(inMs, POLL_MS);
    return { retryInMs: inMs };
  }

  /** The store knows of none that becomes free; but a new one may come of an account that does. */
  async #noneAtAll(ask: Ask): Promise<Attempt<SessionLease>> {
    const { accounts } = this.#creation;
    if (!this.#context.settings.create && ask.id === undefined && (await this.#isStockKept()))
      return { retryInMs: STOCK_POLL_MS };
    const isOfAccounts = accounts && ask.id === undefined && this.#context.settings.create;
    if (isOfAccounts && ask.request?.limit === undefined) {
      const waitMs = await accounts.waitMs();
      if (waitMs !== undefined) return { retryInMs: waitMs };
    }
    const error = await acquireError('NO_SESSION', ask, this.#context);
    if (isOfAccounts && error instanceof AcquireError) throw accounts.error(error.facts);
    return this.later(error);
  }

  /** Whether somebody else makes sessions for those who make none. */
  async #isStockKept(): Promise<boolean> {
    try {
      return await this.#stockNotice.isGiven();
    } catch (error) {
      if (isStoreAway(error)) return false;
      throw error;
    }
  }

  #watch(isWaiting: boolean): void {
    const { store } = this.#context;
    if (isWaiting) this.#stopWatching ??= store.watch?.(() => this.#line.wake());
    else {
      this.#stopWatching?.();
      this.#stopWatching = undefined;
    }
  }
}

/** Lets timers and I/O have their turn, where the store has more to look at. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
