import { inspect, isDeepStrictEqual } from 'node:util';
import { SessionCookies } from '../cookies/session-cookies.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { checkOptions, number, plainObject } from '../internal/options.ts';
import { showProxy } from '../proxies/proxy.ts';
import type { SessionStatus } from '../stores/store.ts';
import { bodyOf, encodeUserData, isLazy, type LazyBody, type SessionBody } from './body.ts';
import type { SessionBond } from './bond.ts';
import { type Decision, withDecision } from './decision.ts';
import type { SessionFetchInit } from './fetch-init.ts';
import { type Fingerprint, proxyAsUsed, type SessionProxy } from './identity.ts';
import type { SessionLimits } from './limits.ts';
import { loadSessionFetch } from './load-fetch.ts';
import { modelOf } from './model.ts';
import { type SessionOptions, statusCodes, type UserData } from './options.ts';
import { type Life, partsOf, type SessionParts } from './parts.ts';
import { siteNamed } from './site-name.ts';
import { parseState, type SessionDict, type SessionModel, STATE_MIN_READER, STATE_VERSION } from './state.ts';

/** A rest that was asked for; everywhere where `site` is null. */
export interface Rest {
  readonly site: string | null;
  /** How much longer, in milliseconds, at least 0; whatever somebody did to the wall clock meanwhile. */
  readonly leftMs: number;
}

interface OwnRest {
  readonly site: string | null;
  readonly untilAt: number;
  /** The same end in monotonic time. */
  readonly ends: number;
}

/** What the pool does with a session and nobody else may. */
export interface SessionInternals {
  restore(parts: SessionParts): Session;
  bind(session: Session, bond: SessionBond | undefined): void;
  /** Whether the task marked it by itself. */
  isMarked(session: Session): boolean;
  /** A judged use: healed, hurt, or only counted. */
  apply(session: Session, effect: 'heal' | 'hurt' | 'count'): void;
  burn(session: Session, reason: string): void;
  decide(session: Session, decision: Omit<Decision, 'at'>): void;
  /** Its status, its age left out. */
  statusByUse(session: Session): SessionStatus;
  retiredFor(session: Session): string | null;
  rests(session: Session): readonly Rest[] | undefined;
  limits(session: Session): SessionLimits;
  createdAt(session: Session): number;
  /** Now, by the clock that it lives by. */
  now(session: Session): number;
  expiresAt(session: Session): number | null;
  /** The body as it is now: the very object it was restored from where nothing changed. */
  body(session: Session): SessionBody;
  /** The same; `undefined` where it was never read, and so is as it was. */
  readBody(session: Session): SessionBody | undefined;
  /** Ends its handle on the cookies. */
  end(session: Session, makeError: () => Error): void;
}

let internals: SessionInternals;

/**
 * One simulated user of the web: cookies, a proxy, a fingerprint, its own data, and a record of how well it does.
 * Works alone; a pool keeps many of them and hands each to one task at a time.
 */
export class Session {
  readonly #id: string;
  readonly #life: Life;
  readonly #clock: Clock;
  #usageCount: number;
  #errorScore: number;
  #retired: string | null;
  /** Read through `#body`. */
  #knownBody: SessionBody | undefined;
  readonly #unread: LazyBody | undefined;
  #cookies: SessionCookies | undefined;
  #cookiesRevision = 0;
  #userData: UserData | undefined;
  /** Absent: those of the body. */
  #decisions: readonly Decision[] | undefined;
  #rests: OwnRest[] | undefined;
  #bond: SessionBond | undefined;
  #isMarked = false;

  /**
   * @param options all optional; see {@link SessionOptions}
   * @throws OptionError naming a wrong or unknown option
   */
  constructor(options?: SessionOptions);
  /** @internal */
  constructor(options: undefined, parts: SessionParts);
  constructor(options: SessionOptions = {}, parts: SessionParts = partsOf(options)) {
    this.#id = parts.id;
    this.#life = parts.life;
    this.#clock = parts.clock;
    this.#usageCount = parts.usageCount;
    this.#errorScore = parts.errorScore;
    this.#retired = parts.retired;
    const isUnread = isLazy(parts.body);
    this.#knownBody = isUnread ? undefined : (parts.body as SessionBody);
    this.#unread = isUnread ? (parts.body as LazyBody) : undefined;
    this.#cookies = undefined;
    this.#userData = undefined;
    this.#decisions = undefined;
    this.#rests = undefined;
    this.#bond = parts.bond;
  }

  /**
   * A session from its state: `Session.fromState(session.getState())` is its equal.
   * @throws StateError `INVALID_STATE` with the field that is wrong, or `STATE_TOO_NEW`
   */
  static fromState(state: SessionModel | SessionDict): Session {
    const model = parseState(state);
    const session = new Session(undefined, {
      id: model.id,
      life: { createdAt: model.createdAt.getTime(), expiresAt: model.expiresAt?.getTime() ?? null },
      usageCount: model.usageCount,
      errorScore: model.errorScore,
      retired: model.retired,
      body: bodyOf(model, model.maxUsageCount),
      clock: systemClock,
    });
    if (model.rests.length > 0) {
      session.#rests = model.rests.map(({ site, untilAt }) => session.#restUntil(untilAt.getTime(), site));
    }
    return session;
  }

  /** What it is beside its columns; decoded with the first look at any of it. */
  get #body(): SessionBody {
    this.#knownBody ??= this.#unread!.read();
    return this.#knownBody;
  }

  get #maxUsageCount(): number | null {
    return this.#knownBody ? this.#knownBody.limits.maxUsageCount : this.#unread!.maxUsageCount;
  }

  /** Names the session; unguessable unless you chose it. */
  get id(): string {
    return this.#id;
  }

  /** The session's own data; JSON values only. In a pool it is saved when the session is given back. */
  get userData(): UserData {
    if (this.#userData === undefined) {
      this.#userData = this.#body.userData === undefined ? {} : (JSON.parse(this.#body.userData) as UserData);
    }
    return this.#userData;
  }

  set userData(value: UserData) {
    this.#bond?.guard();
    plainObject(value, 'userData');
    this.#userData = value;
  }

  /** The session's cookies. */
  get cookies(): SessionCookies {
    if (this.#cookies === undefined) {
      this.#bond?.guard();
      // A copy that costs nothing until it changes: a body is never changed in place.
      this.#cookies = this.#body.cookies?.clone() ?? new SessionCookies();
      this.#cookiesRevision = this.#cookies.revision;
    }
    return this.#cookies;
  }

  /** Grows by 1 with each bad use, shrinks with each good one; see `maxErrorScore`. */
  get errorScore(): number {
    return this.#errorScore;
  }

  /** How often it was used. */
  get usageCount(): number {
    return this.#usageCount;
  }

  get createdAt(): Date {
    return new Date(this.#life.createdAt);
  }

  /** When it expires; `null`: never. */
  get expiresAt(): Date | null {
    const { expiresAt } = this.#life;
    return expiresAt === null ? null : new Date(expiresAt);
  }

  /** The proxy it uses, if any, with its own word in the place of `{session}`. Its URL may hold a password. */
  get proxy(): SessionProxy | undefined {
    const { proxy, account } = this.#body;
    return proxy && proxyAsUsed(proxy, account === undefined ? this.#id : `account ${account}`);
  }

  /** The browser it appears to be, if any. */
  get fingerprint(): Fingerprint | undefined {
    return this.#body.fingerprint;
  }

  /** The account that it is logged in as, if any: a user name. */
  get account(): string | undefined {
    return this.#body.account;
  }

  /** Its last 20 decisions, oldest first. */
  get decisions(): readonly Decision[] {
    return this.#decisions ?? this.#body.decisions;
  }

  /** Whether its error score reached `maxErrorScore`. */
  get isBlocked(): boolean {
    // No maximum is 0: without an error the body need not be read for it.
    return this.#errorScore > 0 && this.#errorScore >= this.#body.limits.maxErrorScore;
  }

  /** Whether it reached its age. */
  get isExpired(): boolean {
    const { expiresAt } = this.#life;
    return expiresAt !== null && this.#clock.now() >= expiresAt;
  }

  /** Whether it has no uses left. */
  get isMaxUsageCountReached(): boolean {
    const max = this.#maxUsageCount;
    return max !== null && this.#usageCount >= max;
  }

  /** Not retired, not blocked, not expired, uses left. A resting session is usable, only not yet. */
  get isUsable(): boolean {
    return this.status === 'usable';
  }

  /** `usable`, or the first reason why it is not: `retired`, `blocked`, `expired`, `used-up`. */
  get status(): SessionStatus {
    const byUse = this.#statusByUse;
    const isBurnt = byUse === 'retired' || byUse === 'blocked';
    return !isBurnt && this.isExpired ? 'expired' : byUse;
  }

  /** Its status by what its uses did; its age is looked at by the store, when it is leased again. */
  get #statusByUse(): SessionStatus {
    if (this.#retired !== null) return 'retired';
    if (this.isBlocked) return 'blocked';
    return this.isMaxUsageCountReached ? 'used-up' : 'usable';
  }

  /** A use that went well: one more use, and `errorScoreDecrement` less error score. */
  markGood(): void {
    this.#bond?.guard();
    this.#isMarked = true;
    this.#heal();
  }

  /** A use that went wrong for a reason outside the session (a 5XX, a timeout): one more use, 1 more error score. */
  markBad(): void {
    this.#bond?.guard();
    this.#isMarked = true;
    this.#hurt();
    this.#decide('bad', 'marked by the task', '');
  }

  /**
   * Retires it for good: this identity is burnt (a 403). The error score rises to the maximum, no later mark revives
   * it, and it does not count as a use.
   */
  retire(reason = 'retired by the task'): void {
    this.#bond?.guard();
    this.#isMarked = true;
    this.#retire(reason);
    this.#decide('retired', reason, '');
  }

  /**
   * Rests it for so many milliseconds, everywhere or for one site (a site's name, or a URL of it). A pool does not
   * hand it out meanwhile; by itself a session only remembers.
   * @throws OptionError
   */
  rest(ms: number, options: { site?: string | URL } = {}): void {
    this.#bond?.guard();
    number()(ms, 'ms');
    checkOptions(options, { site: () => {} });
    const site = options.site === undefined ? null : siteNamed(options.site);
    this.#rest(ms, site);
    this.#decide('rested', `for ${Math.round(ms)} ms`, site ?? '');
  }

  /**
   * Whether a status means that this user is blocked: one of its `blockedStatusCodes` or of the additional ones, and
   * not one of the ignored.
   */
  isBlockedStatusCode(question: {
    statusCode: number;
    additionalBlockedStatusCodes?: readonly number[];
    ignoreHttpErrorStatusCodes?: readonly number[];
  }): boolean {
    checkOptions(question, {
      statusCode: number({ integer: true }),
      additionalBlockedStatusCodes: statusCodes,
      ignoreHttpErrorStatusCodes: statusCodes,
    });
    const { statusCode, additionalBlockedStatusCodes: more, ignoreHttpErrorStatusCodes: ignored } = question;
    const isListed =
      this.#body.limits.blockedStatusCodes.includes(statusCode) || more?.includes(statusCode) === true;
    return isListed && ignored?.includes(statusCode) !== true;
  }

  /**
   * A Web-standard `fetch` as this user: its cookies sent and stored at every hop, its own connections. In a pool the
   * answer is judged, and counts when the session is given back; `judge: false` leaves it out.
   * @throws FetchError (a `TypeError`, as the standard says) where there was no answer
   * @throws LeaseError after the session was given back
   */
  async fetch(input: string | URL | Request, init?: SessionFetchInit): Promise<Response> {
    this.#bond?.guard();
    const sessionFetch = await loadSessionFetch();
    return sessionFetch(this, this.#bond, input, init);
  }

  /** Its state: validated and immutable, instants as `Date`; with `asDict` a plain object fit for JSON. */
  getState(options?: { asDict?: false }): SessionModel;
  getState(options: { asDict: true }): SessionDict;
  getState(options: { asDict?: boolean } = {}): SessionModel | SessionDict {
    const { limits, newer } = this.#body;
    const state = {
      ...newer?.fields,
      version: newer?.version ?? STATE_VERSION,
      minReader: newer?.minReader ?? STATE_MIN_READER,
      id: this.#id,
      createdAt: this.createdAt,
      expiresAt: this.expiresAt,
      ...limits,
      blockedStatusCodes: [...limits.blockedStatusCodes],
      usageCount: this.#usageCount,
      errorScore: this.#errorScore,
      retired: this.#retired,
      userData: this.userData,
      cookies: (this.#cookies ?? this.#body.cookies)?.toJSON() ?? [],
      proxy: this.#body.proxy ?? null,
      fingerprint: this.#body.fingerprint ?? null,
      ...(this.#body.account === undefined ? {} : { account: this.#body.account }),
      decisions: this.decisions,
      rests: (this.#rests ?? []).map(({ site, untilAt }) => ({ site, untilAt: new Date(untilAt) })),
    };
    return modelOf(state, options.asDict === true);
  }

  /** Whether the other session is in the same state. */
  equals(other: Session): boolean {
    return other instanceof Session && isDeepStrictEqual(this.getState(), other.getState());
  }

  toString(): string {
    const { maxUsageCount, maxErrorScore } = this.#body.limits;
    return `Session ${this.#id} (${this.status}, ${this.#usageCount}/${maxUsageCount ?? '∞'} uses, error score ${this.#errorScore}/${maxErrorScore})`;
  }

  /** For logs: its state without a cookie value, user data or a proxy's password. */
  [inspect.custom](): string {
    const cookies = (this.#cookies ?? this.#body.cookies)?.size ?? 0;
    const proxy = this.#body.proxy ? `, proxy ${showProxy(this.#body.proxy)}` : '';
    const expires = this.expiresAt?.toISOString() ?? 'never';
    return `${this.toString().slice(0, -1)}, ${cookies} cookies, ${Object.keys(this.userData).length} user data fields, expires ${expires}${proxy})`;
  }

  #heal(): void {
    this.#usageCount += 1;
    // A retired session stays at its maximum: no later mark revives it.
    if (this.#retired !== null || this.#errorScore === 0) return;
    this.#errorScore = Math.max(0, this.#errorScore - this.#body.limits.errorScoreDecrement);
  }

  #hurt(): void {
    this.#usageCount += 1;
    this.#errorScore += 1;
  }

  #retire(reason: string): void {
    this.#errorScore = Math.max(this.#errorScore, this.#body.limits.maxErrorScore);
    this.#retired ??= reason;
  }

  #rest(ms: number, site: string | null): void {
    this.#rests = [...(this.#rests ?? []), this.#restUntil(this.#clock.now() + ms, site)];
  }

  #restUntil(untilAt: number, site: string | null): OwnRest {
    return { site, untilAt, ends: this.#clock.monotonic() + untilAt - this.#clock.now() };
  }

  #decide(verdict: Decision['verdict'], rule: string, evidence: string, where = ''): void {
    this.#decisions = withDecision(this.decisions, {
      at: this.#clock.now(),
      where,
      verdict,
      rule,
      evidence,
    });
  }

  static {
    internals = {
      restore: (parts) => new Session(undefined, parts),
      bind: (session, bond) => {
        session.#bond = bond;
        // A mark in the warm-up is none of the first use.
        session.#isMarked = false;
      },
      isMarked: (session) => session.#isMarked,
      apply: (session, effect) => {
        if (effect === 'heal') session.#heal();
        else if (effect === 'hurt') session.#hurt();
        else session.#usageCount += 1;
      },
      burn: (session, reason) => session.#retire(reason),
      decide: (session, { verdict, rule, evidence, where }) =>
        session.#decide(verdict, rule, evidence, where),
      statusByUse: (session) => session.#statusByUse,
      retiredFor: (session) => session.#retired,
      rests: (session) => {
        const now = session.#clock.monotonic();
        return session.#rests?.map(({ site, ends }) => ({
          site,
          leftMs: Math.max(0, Math.round(ends - now)),
        }));
      },
      limits: (session) => session.#body.limits,
      createdAt: (session) => session.#life.createdAt,
      now: (session) => session.#clock.now(),
      expiresAt: (session) => session.#life.expiresAt,
      body: (session) => session.#currentBody(),
      readBody: (session) => (session.#knownBody ? session.#currentBody() : undefined),
      end: (session, makeError) => session.#cookies?.detach(makeError),
    };
  }

  /** The body as it is now: the very object it was made from where nothing changed. */
  #currentBody(): SessionBody {
    const before = this.#body;
    const userData = this.#userData === undefined ? before.userData : encodeUserData(this.#userData);
    const cookies = this.#cookies;
    const cookiesChanged = cookies !== undefined && cookies.revision !== this.#cookiesRevision;
    const isSame = userData === before.userData && !cookiesChanged && this.#decisions === undefined;
    if (isSame) return before;
    return { ...before, userData, cookies: cookies ?? before.cookies, decisions: this.decisions };
  }
}

/** Not exported by the package. */
export { internals as sessionInternals };
