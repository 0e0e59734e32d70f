import { LearntLimit, type Use } from './learnt-limit.ts';
import type { FixedPace } from './options.ts';

const FIRST_PAUSE_MS = 500;
/** Each probe that is refused makes the next pause so much longer. */
const PAUSE_GROWTH = 1.5;
/** So many in a row served, one by one, are proof enough that the site is content. */
const ENOUGH_SERVED = 16;
/** A user waits no longer for its own turn, and no longer for that of its address. */
const MAX_HOLD_SESSION_MS = 100;
const MAX_HOLD_MS = 1_000;
/** Users in a row that are turned away before what they were told holds for all. */
const TURNED_AWAY_IN_A_ROW = 3;
/** The first rest of an address that went too fast. */
const KEY_REST_MS = 1_000;

/** One use of a site: by whom, from where, since when. */
export interface Visit {
  readonly sessionId: string;
  readonly address: string;
  readonly sentAt: number;
}

/**
 * What one site bears, learnt from what it says: of each session, and of each exit address, since a limit may be on either.
 *
 * Nothing holds requests up until the first objection. Then the site is left alone, and asked by one probe at a time, with
 * growing pauses between them, until it is content again. What was too much, spread over the time until then, is a pace
 * that it bears. From there on the pace creeps up, steps back at each further objection, and settles short of it.
 */
export class SitePace {
  readonly session: LearntLimit;
  readonly address: LearntLimit;
  readonly #random: () => number;
  /** Answers to what was sent before it belong to the same wave. */
  #objectedAt = Number.NEGATIVE_INFINITY;
  #closedUntil = Number.NEGATIVE_INFINITY;
  /** What was too much, as long as the site has not answered a probe with contentment. */
  #tooMuch: { session: Use | undefined; address: Use | undefined } | undefined;
  #probes = 0;
  /** Since a probe was last refused. */
  #served = 0;
  readonly #turnedAway = new Map<string, number>();
  objections = 0;
  /** How often an objection changed the pace. */
  lessons = 0;
  /** Whether it is given, and nothing is to be learnt. */
  readonly isFixed: boolean;

  constructor(random: () => number = Math.random, fixed?: FixedPace) {
    this.#random = random;
    this.isFixed = fixed !== undefined;
    this.session = new LearntLimit(random, fixed?.perSessionMs);
    this.address = new LearntLimit(random, fixed?.perAddressMs);
  }

  /** Only one may be there at a time, to see whether the site is content again. */
  get isProbing(): boolean {
    return this.#tooMuch !== undefined;
  }

  closedForMs(now: number): number {
    return Math.max(0, this.#closedUntil - now);
  }

  /** How long nobody may go. */
  waitMs(now: number): number {
    if (this.#closedUntil > now) return this.#closedUntil - now;
    return this.address.shortestDelayMs(now);
  }

  /**
   * How long this session has to stay away before another use, 0 where it may be held until its turn: others can go before
   * it. A tired user is replaced by another at once, a slow address is not.
   */
  awayMs(sessionId: string, address: string, now: number): number {
    const bySession = this.session.delayMs(sessionId, now);
    const byAddress = this.address.delayMs(address, now);
    const isLong = bySession > MAX_HOLD_SESSION_MS + byAddress || byAddress > MAX_HOLD_MS;
    return isLong ? Math.max(bySession, byAddress) : 0;
  }

  /** How long one must wait whose turn has come: others were refused meanwhile. */
  restMs(address: string, now: number): number {
    return Math.max(this.closedForMs(now), this.address.restMs(address, now));
  }

  /** Counts a use; answers how long it has to wait for its turn. */
  take(sessionId: string, address: string, now: number): number {
    return Math.max(this.session.take(sessionId, now), this.address.take(address, now));
  }

  /** The site served somebody. */
  content(visit: Visit, now: number): void {
    if (visit.sentAt < this.#objectedAt) return;
    if (this.#turnedAway.size > 0) this.#turnedAway.clear();
    if (this.#tooMuch) {
      const { session, address } = this.#tooMuch;
      this.#served += 1;
      if (!this.#isProof(visit, now)) return;
      if (session) this.session.settle(session, this.#objectedAt, now, false);
      if (address) this.address.settle(address, this.#objectedAt, now, session !== undefined);
      this.lessons += 1;
      this.#tooMuch = undefined;
      this.#probes = 0;
      this.#served = 0;
      return;
    }
    this.session.content(visit.sessionId, now);
    this.address.content(visit.address, now);
  }

  /** Whether it was served to somebody who had used up as much as the one that it refused. */
  #isProof({ sessionId, address }: Visit, now: number): boolean {
    const { session, address: byAddress } = this.#tooMuch!;
    if (this.#served >= ENOUGH_SERVED) return true;
    if (session && this.session.useOf(sessionId, now).count >= session.count) return true;
    return byAddress !== undefined && this.address.useOf(address, now).count >= byAddress.count;
  }

  /**
   * The site objected, and may have said for how long it wants to be left alone. Answers for how long nobody goes there now,
   * 0 where others may.
   */
  objected(visit: Visit, now: number, askedMs: number | undefined): number {
    this.objections += 1;
    const { sessionId, address } = visit;
    if (askedMs !== undefined) this.#turnedAway.set(sessionId, now + askedMs);
    if (this.#tooMuch) {
      if (visit.sentAt >= this.#objectedAt) this.#probes += 1;
      this.#served = 0;
      return this.#close(now);
    }
    // What others had sent before they could know of it, or at the old pace, is the same objection.
    if (visit.sentAt < this.#objectedAt + KEY_REST_MS) {
      this.address.rest(address, now + KEY_REST_MS);
      return 0;
    }
    this.#objectedAt = now;
    const blamed = this.#blamed(visit, now);
    if (this.session.intervalMs > 0 || this.address.intervalMs > 0) {
      this.lessons += 1;
      if (blamed.session) this.session.slowDown(sessionId, now);
      if (blamed.address) {
        this.address.slowDown(address, now);
        this.address.rest(address, now + KEY_REST_MS);
      }
      return 0;
    }
    this.#tooMuch = {
      session: blamed.session ? this.session.useOf(sessionId, now) : undefined,
      address: blamed.address ? this.address.useOf(address, now) : undefined,
    };
    return this.#close(now);
  }

  /** Whoever was nearer to what was in order so far is to blame; both, where they are alike. */
  #blamed({ sessionId, address }: Visit, now: number): { session: boolean; address: boolean } {
    const bySession = this.session.pressureOn(sessionId, now);
    const byAddress = this.address.pressureOn(address, now);
    // What has a pace and kept to it is under suspicion before what never met a limit.
    if (this.address.intervalMs > 0 && this.session.intervalMs === 0 && byAddress > 0.5)
      return { session: false, address: true };
    if (this.session.intervalMs > 0 && this.address.intervalMs === 0 && bySession > 0.5)
      return { session: true, address: false };
    const enough = 0.9 * Math.max(bySession, byAddress);
    // What is only a guess needs an objection of its own: with its session slower, the next one shows whose limit it is.
    if (bySession >= enough && this.address.isGuess) return { session: true, address: false };
    return { session: bySession >= enough, address: byAddress >= enough };
  }

  #close(now: number): number {
    this.#objectedAt = now;
    let ms = FIRST_PAUSE_MS * PAUSE_GROWTH ** Math.min(this.#probes, 20) * (0.9 + 0.2 * this.#random());
    if (this.#turnedAway.size >= TURNED_AWAY_IN_A_ROW) {
      let earliest = Number.POSITIVE_INFINITY;
      for (const until of this.#turnedAway.values()) earliest = Math.min(earliest, until);
      ms = Math.max(ms, earliest - now);
    }
    this.#closedUntil = now + ms;
    return ms;
  }
}
