import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { siteOf } from '../cookies/site.ts';
import { LeaseError } from '../errors.ts';
import { isLazy, type LazyBody, type SessionBody } from '../session/body.ts';
import type { SessionBond } from '../session/bond.ts';
import { whereOf } from '../session/decision.ts';
import { type Session, sessionInternals } from '../session/session.ts';
import type { Lease as StoreLease } from '../stores/store.ts';
import type { Transport } from '../transport/transport.ts';
import type { Answer } from '../verdict/answer.ts';
import { isGraver, type Judgement, judge, type Outcome, type Verdict } from '../verdict/judge.ts';
import type { PoolContext } from './context.ts';
import type { LeasedProxy } from './proxies/leased-proxy.ts';

/** What a lease needs from its pool. */
export interface LeaseHome {
  readonly context: PoolContext;
  giveBack(lease: SessionLease): Promise<void>;
  enterSite(site: string, signal: AbortSignal | undefined): Promise<void>;
  leaveSite(site: string): void;
  loginAgain(lease: SessionLease): Promise<boolean>;
}

/**
 * The sole right to use one session until it is given back. It renews itself while it is held; `signal` aborts when
 * it ends early: held too long, retired from outside, or lost because it could not be renewed.
 */
export class SessionLease implements SessionBond, AsyncDisposable {
  /** @internal The store's lease. */
  grant: StoreLease;
  #stored: SessionBody | LazyBody | undefined;
  /** @internal The gravest judgement so far. */
  worst: Judgement | undefined;
  /** @internal What sites had against this user: the gravest of each. */
  troubles: Map<string, Judgement> | undefined;
  /** @internal Its proxy, where the pool looks after it. */
  proxy: LeasedProxy | undefined;
  /** @internal That it was logged out has been paid for: its account waits, and the session with it. */
  isLoginSettled = false;
  /** @internal */
  readonly maxHoldMs: number;
  /** @internal The site it was asked for: the lease itself is the user's place there. */
  readonly site: string | undefined;
  /** @internal Where {@link HeldLeases} keeps it; -1: nowhere. */
  place = -1;
  /** @internal When it last set out for a site, by the pool's clock. */
  wentAt: number;
  readonly #home: LeaseHome;
  /** @internal When the store was asked for it, by `context.monotonic`. */
  readonly takenAt: number;
  #session: Session | undefined;
  #renewedAt: number;
  #renewedAtWall: number;
  #state: 'held' | 'ended' | 'lost' = 'held';
  #isLossTold = false;
  #hasGone = false;
  #releasing: Promise<void> | undefined;
  /** Its places at sites that it was not leased for, by how to give them up. */
  #places: Set<() => void> | undefined;
  #abort: AbortController | undefined;
  #abortReason: LeaseError | undefined;

  /**
   * @internal
   * @param askedAt when the store was asked, by `context.monotonic`
   * @param askedAtWall the same by the wall clock
   */
  constructor(
    home: LeaseHome,
    grant: StoreLease,
    askedAt: number,
    askedAtWall: number,
    maxHoldMs: number,
    site: string | undefined,
  ) {
    this.#home = home;
    this.grant = grant;
    this.maxHoldMs = maxHoldMs;
    this.site = site;
    this.takenAt = askedAt;
    this.wentAt = 0;
    this.#stored = undefined;
    this.#session = undefined;
    this.worst = undefined;
    this.troubles = undefined;
    this.proxy = undefined;
    this.#renewedAt = askedAt;
    this.#renewedAtWall = askedAtWall;
    this.#places = undefined;
    this.#abort = undefined;
    this.#abortReason = undefined;
  }

  /** The session. Its methods throw once the lease is over. */
  get session(): Session {
    return this.#session!;
  }

  /** @internal False while the session is still to be made. */
  get hasSession(): boolean {
    return this.#stored !== undefined;
  }

  /** @internal The session it is for, and its body as the store has it. */
  hold(session: Session, stored: SessionBody | LazyBody | undefined): void {
    this.#session = session;
    this.#stored = stored;
  }

  /** @internal The body as the store has it; `undefined` while nothing of it was needed. */
  get storedBody(): SessionBody | undefined {
    const stored = this.#stored;
    return stored && isLazy(stored) ? stored.body : stored;
  }

  /** @internal The same, read now if it was not. */
  readStoredBody(): SessionBody {
    return this.storedBody ?? (this.#stored as LazyBody).read();
  }

  /** Aborts when the lease ends early, with a {@link LeaseError} as its reason. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#abortReason) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** Whether it is still held. */
  get isHeld(): boolean {
    return this.#state === 'held';
  }

  /**
   * Gives the session back: its marks and its cookies are saved in one durable step. May be called twice.
   * @throws LeaseError `LEASE_LOST` where the lease was over before: nothing was saved then
   */
  release(): Promise<void> {
    if (this.#state === 'held') {
      // Held until it is given back, which may take a look at its login.
      this.#releasing ??= this.#home.giveBack(this);
      return this.#releasing;
    }
    if (this.#releasing) return this.#releasing.catch(() => {});
    if (this.#state === 'ended' || this.#isLossTold) return RELEASED;
    // A renewal found out first: whoever gives it back must hear that nothing was saved.
    this.#isLossTold = true;
    return Promise.reject(this.#endedError());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** For logs: what it is of, and nothing that the session keeps. */
  [inspect.custom](): string {
    return `SessionLease of ${this.#session ?? 'a session in the making'} (${this.#state})`;
  }

  toJSON(): object {
    return { sessionId: this.grant.id, state: this.#state };
  }

  /**
   * @internal Logs in again, with the pool's `refresh`, if the answers said that it was logged out. Answers whether what was
   * asked can be asked again.
   */
  async loginAgain(): Promise<boolean> {
    return this.worst?.verdict === 'logged-out' && this.isHeld && (await this.#home.loginAgain(this));
  }

  /** @internal Milliseconds since it was taken. */
  get heldMs(): number {
    return this.#home.context.monotonic() - this.takenAt;
  }

  /** @internal The store has extended it; asked at this instant. */
  renewed(askedAt: number, askedAtWall: number): void {
    this.#renewedAt = askedAt;
    this.#renewedAtWall = askedAtWall;
  }

  /** @internal */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  /**
   * @internal For how long it is surely ours, in milliseconds: by the worse of wall and monotonic time, counted from
   * before the store was asked. Anybody may have it after that.
   */
  get safeMs(): number {
    const { leaseMs } = this.#home.context.settings;
    return this.leftMs - safetyMarginMs(leaseMs);
  }

  /** @internal Until the store itself takes it for over. */
  get leftMs(): number {
    const { clock, settings, monotonic } = this.#home.context;
    return settings.leaseMs - Math.max(monotonic() - this.#renewedAt, clock.now() - this.#renewedAtWall);
  }

  /** @internal The task may do no more with it. `isTold`: it hears of the loss by other means than its release. */
  end(state: 'ended' | 'lost', isTold = false): void {
    this.#state = state;
    this.#isLossTold = isTold;
    // A body that nobody reads must not keep others from the site for longer than its user is there.
    if (this.#places) for (const leave of [...this.#places]) leave();
    // Absent while the session is still being made.
    if (this.#session) sessionInternals.end(this.#session, () => this.#endedError());
  }

  /** @internal Tells the holder that it ends early. */
  abort(why: string): void {
    this.#abortReason ??= new LeaseError(
      'LEASE_LOST',
      this.grant.id,
      `the lease of session ${this.grant.id} ended early: ${why}`,
    );
    this.#abort?.abort(this.#abortReason);
  }

  get maxBodyBytes(): number {
    return this.#home.context.settings.maxBodyBytes;
  }

  guard(): void {
    if (this.#state !== 'held') throw this.#endedError();
  }

  /**
   * Before every hop: the clock alone decides, by the worse of wall and monotonic time, so that a process that was
   * stopped for longer than its lease does not touch a site as a user who is somebody else's by now.
   */
  beforeHop(): void {
    this.guard();
    if (this.#abortReason) throw this.#abortReason;
    this.proxy?.asks();
    if (this.safeMs > 0) return;
    this.abort('it ran out without being renewed');
    throw this.#abortReason!;
  }

  transport(url: URL): Promise<Transport> {
    if (this.proxy?.isClosed) {
      this.proxy.asks();
      return refuseClosed(url, this.proxy.closedForMs);
    }
    return this.#home.context.connections.for(this.session);
  }

  async enter(url: URL, signal: AbortSignal | undefined): Promise<() => void> {
    const site = siteOf(url);
    // Leased for this site, the user has its place there already.
    if (site === this.site) {
      await this.#turn(site, true, signal);
      return leaveNothing;
    }
    await this.#home.enterSite(site, signal);
    const leave = () => {
      if (this.#places?.delete(leave)) this.#home.leaveSite(site);
    };
    this.#places ??= new Set();
    this.#places.add(leave);
    await this.#turn(site, false, signal).catch((error) => {
      leave();
      throw error;
    });
    // Given back while it waited: the fetch finds that out next.
    if (this.#state !== 'held') leave();
    return leave;
  }

  /** Waits for this user's turn at the site; its first there was waited for with the lease. */
  async #turn(site: string, isLeasedFor: boolean, signal: AbortSignal | undefined): Promise<void> {
    const { sites, clock } = this.#home.context;
    if (isLeasedFor && !this.#hasGone) {
      this.#hasGone = true;
      return;
    }
    const delayMs = sites.take(site, this.session);
    if (delayMs > 0) await sleep(delayMs, undefined, signal && { signal });
    this.wentAt = clock.monotonic();
  }

  onOutcome(url: URL, outcome: Outcome): Verdict | undefined {
    if (this.#state !== 'held') return undefined;
    const judgement = this.#judge(url, outcome);
    const site = siteOf(url);
    const error = 'error' in outcome ? outcome.error : undefined;
    this.proxy?.judged(judgement.verdict, judgement.rule, site, error);
    this.#judged(site, whereOf(url), judgement);
    return judgement.verdict;
  }

  onPage(url: URL, answer: Answer): void {
    if (this.#state !== 'held') return;
    const judgement = this.#judge(url, answer);
    // That the head is in order has been told.
    if (judgement.verdict !== 'ok') this.#judged(siteOf(url), whereOf(url), judgement);
  }

  #judge(url: URL, outcome: Outcome): Judgement {
    const { settings, events, badUrls } = this.#home.context;
    const judgement = judge(outcome, {
      isBlockedStatus: (statusCode) => this.session.isBlockedStatusCode({ statusCode }),
      hasProxy: this.session.proxy !== undefined,
      canLogIn: settings.refresh !== undefined && this.session.account !== undefined,
      rules: settings.rules,
      onRuleError: (error) => events.emit('error', { error, during: `the verdict rule "${error.rule}"` }),
    });
    const asked = siteOf(url);
    const by = 'url' in outcome && outcome.url ? siteOf(outcome.url) : asked;
    if (by !== asked) return saidBy(by, judgement);
    if (judgement.verdict === 'ok') badUrls.served(url);
    return judgement.verdict === 'blocked'
      ? badUrls.judged(url, asked, this.session.id, judgement)
      : judgement;
  }

  /** @internal The task's own word on the user: a `BlockedError`, a `RateLimitedError`. */
  judgedByTask(judgement: Judgement): void {
    this.#judged(this.site, this.site ?? '', judgement);
  }

  /** @internal It is logged in now: that it was not costs nothing. */
  forgiveLoggedOut(): void {
    for (const [site, { verdict }] of this.troubles ?? []) {
      if (verdict === 'logged-out') this.troubles!.delete(site);
    }
    if (this.worst?.verdict !== 'logged-out') return;
    this.worst = undefined;
    for (const judgement of this.troubles?.values() ?? []) {
      if (!this.worst || isGraver(judgement, this.worst)) this.worst = judgement;
    }
  }

  /** @internal The task failed for a reason of its own: no use is counted, but what a site has said still holds. */
  keepOnlyTroubles(): void {
    if (!this.worst || !SAID_BY_SITES.has(this.worst.verdict)) this.forgetJudgements();
  }

  /** @internal What was judged so far is not to count: its proxy was to blame, or it is kept elsewhere during a login. */
  forgetJudgements(): void {
    this.worst = undefined;
    this.troubles = undefined;
  }

  #judged(site: string | undefined, where: string, judgement: Judgement): void {
    const { events, statistics } = this.#home.context;
    statistics.count(judgement.verdict);
    sessionInternals.decide(this.session, { where, ...judgement });
    if (events.isHeard('judged')) events.emit('judged', { sessionId: this.session.id, where, ...judgement });
    if (!this.worst || isGraver(judgement, this.worst)) this.worst = judgement;
    if (site !== undefined) this.#remember(site, judgement);
  }

  #remember(site: string, judgement: Judgement): void {
    const { sites } = this.#home.context;
    if (judgement.penalty === 'none') return;
    sites.told(site, this.session, this.wentAt, judgement);
    if (judgement.verdict === 'ok') return;
    this.troubles ??= new Map();
    const known = this.troubles.get(site);
    if (!known || isGraver(judgement, known)) this.troubles.set(site, judgement);
  }

  #endedError(): LeaseError {
    const { id } = this.grant;
    return this.#state === 'lost'
      ? new LeaseError('LEASE_LOST', id, `the lease of session ${id} was lost; acquire it again`)
      : new LeaseError('LEASE_ENDED', id, `session ${id} was given back; acquire it again to use it`);
  }
}

/**
 * What another site said, where a redirect led: it has no say in how long the user stays away from the one that was
 * asked. Nor is the user blamed at the other: any site could redirect to what that one refuses to everybody.
 */
function saidBy(by: string, { retryAfterMs: _, ...judgement }: Judgement): Judgement {
  if (judgement.verdict === 'ok') return judgement;
  return { ...judgement, evidence: `${judgement.evidence}, from ${by}`, by };
}

/**
 * Its proxy was quarantined while the session was held: what the task goes on to ask fails as it would through the proxy,
 * and the proxy hears nothing of it.
 */
async function refuseClosed(url: URL, ms: number): Promise<never> {
  const { FetchError } = await import('../transport/fetch-error.ts');
  const cause = new Error(`the session's proxy is quarantined for ${Math.ceil(ms)} ms`);
  throw new FetchError({
    code: 'FETCH_CONNECT',
    phase: 'connect',
    url,
    neverSent: true,
    proxyFault: 'gateway',
    cause,
  });
}

/** What a site has against its user, whatever becomes of the task. */
const SAID_BY_SITES: ReadonlySet<Verdict> = new Set(['blocked', 'logged-out', 'rate-limited']);

const RELEASED = Promise.resolve();
const leaveNothing = () => {};

/** A holder stops this long before the store would give the session to another: clocks and calls take their time. */
export function safetyMarginMs(leaseMs: number): number {
  return Math.min(1_000, leaseMs / 10);
}
