import type { Clock } from '../internal/clock.ts';
import type { Session } from '../session/session.ts';
import type { Judgement } from '../verdict/judge.ts';
import { SitePace } from './pace/site-pace.ts';

/** Users turned away in a row before the whole site rests. */
const TURNED_AWAY_IN_A_ROW = 3;
const FIRST_REST_MS = 1_000;
/** Sites remembered before those that no longer matter are forgotten. */
const MAX_SITES = 10_000;

interface Site {
  /** Users of this process that are there now. */
  present: number;
  /** Different users that were rate-limited since the last one who was not. */
  readonly turnedAway: Set<string>;
  /** Rests since the site last let somebody in: the next one is twice as long. */
  restsInARow: number;
  restsUntil: number;
  /** When the next may go, by `minDelayPerSiteMs`. */
  nextAt: number;
  readonly pace: SitePace | undefined;
}

interface SiteTrafficOptions {
  readonly maxConcurrentPerSite: number;
  readonly maxRestMs: number;
  readonly pace: 'auto' | 'off';
  readonly minDelayPerSiteMs: number;
}

/**
 * How this process treats each site: at most so many users at once, and a rest for the whole site when it turns
 * several users in a row away: it is then the site that is busy, and more users would only be burnt.
 */
export class SiteTraffic {
  readonly #clock: Clock;
  readonly #maxPresent: number;
  readonly #maxRestMs: number;
  readonly #minDelayMs: number;
  readonly #isPaced: boolean;
  readonly #sites = new Map<string, Site>();

  constructor(clock: Clock, options: SiteTrafficOptions) {
    this.#clock = clock;
    this.#maxPresent = options.maxConcurrentPerSite;
    this.#maxRestMs = options.maxRestMs;
    this.#minDelayMs = options.minDelayPerSiteMs;
    this.#isPaced = options.pace === 'auto';
  }

  /** 0: one more user may go there now. Else milliseconds until one may, or Infinity: until somebody leaves. */
  waitMs(name: string): number {
    const site = this.#sites.get(name);
    if (!site) return 0;
    const now = this.#clock.monotonic();
    const restMs = Math.max(site.restsUntil, site.nextAt) - now;
    if (restMs > 0) return restMs;
    const isProbing = site.pace?.isProbing === true;
    if (site.present >= (isProbing ? 1 : this.#maxPresent)) return Number.POSITIVE_INFINITY;
    return site.pace === undefined ? 0 : site.pace.waitMs(now);
  }

  enter(name: string): void {
    const site = this.#site(name);
    site.present += 1;
    if (this.#minDelayMs > 0)
      site.nextAt = this.#clock.monotonic() + this.#minDelayMs * (0.9 + 0.2 * Math.random());
  }

  leave(name: string): void {
    const site = this.#sites.get(name);
    if (site) site.present -= 1;
  }

  /** How long this user is to stay away from there, for others can go before it; 0: it may go, or wait for its turn. */
  awayMs(name: string, session: Session): number {
    const pace = this.#sites.get(name)?.pace;
    return pace === undefined ? 0 : pace.awayMs(session.id, addressOf(session), this.#clock.monotonic());
  }

  /** Takes this user's turn; answers how long it has to wait for it. */
  take(name: string, session: Session): number {
    const pace = this.#sites.get(name)?.pace;
    return pace === undefined ? 0 : pace.take(session.id, addressOf(session), this.#clock.monotonic());
  }

  /** How long this user must still wait when its turn has come: others were refused meanwhile. */
  restMs(name: string, session: Session): number {
    const pace = this.#sites.get(name)?.pace;
    return pace === undefined ? 0 : pace.restMs(addressOf(session), this.#clock.monotonic());
  }

  /** What the site had to say to a user that went there at `sentAt`. Answers for how long the site now rests, 0 if it does not. */
  told(name: string, session: Session, sentAt: number, judgement: Judgement): number {
    if (judgement.verdict === 'ok') {
      const site = this.#sites.get(name);
      if (site) this.#letIn(site, session, sentAt);
      return 0;
    }
    if (judgement.by !== undefined) return 0;
    const isLimit = judgement.verdict === 'rate-limited';
    const { pace } = this.#site(name);
    if (pace && (isLimit || judgement.verdict === 'blocked')) {
      const askedMs =
        judgement.retryAfterMs === undefined ? undefined : Math.min(judgement.retryAfterMs, this.#maxRestMs);
      const visit = { sessionId: session.id, address: addressOf(session), sentAt };
      return pace.objected(visit, this.#clock.monotonic(), askedMs);
    }
    return isLimit ? this.#turnedAway(name, session.id, judgement.retryAfterMs) : 0;
  }

  #letIn(site: Site, session: Session, sentAt: number): void {
    if (site.pace) {
      const visit = { sessionId: session.id, address: addressOf(session), sentAt };
      site.pace.content(visit, this.#clock.monotonic());
      return;
    }
    site.turnedAway.clear();
    site.restsInARow = 0;
  }

  /** The site rate-limited a user. Answers how long the site now rests, 0 if it does not. */
  #turnedAway(name: string, sessionId: string, askedMs: number | undefined): number {
    const site = this.#site(name);
    site.turnedAway.add(sessionId);
    if (site.turnedAway.size < TURNED_AWAY_IN_A_ROW) return 0;
    site.turnedAway.clear();
    const ownMs = FIRST_REST_MS * 2 ** Math.min(site.restsInARow, 20) * (0.8 + 0.4 * Math.random());
    const ms = Math.min(askedMs ?? ownMs, this.#maxRestMs);
    site.restsInARow += 1;
    site.restsUntil = Math.max(site.restsUntil, this.#clock.monotonic() + ms);
    return ms;
  }

  /** The sites that rest now, and for how long. */
  resting(): Record<string, number> {
    const resting: Record<string, number> = Object.create(null);
    for (const [name, site] of this.#sites) {
      const now = this.#clock.monotonic();
      const ms = Math.max(site.restsUntil - now, site.pace?.closedForMs(now) ?? 0);
      if (ms > 0) resting[name] = Math.ceil(ms);
    }
    return resting;
  }

  /** Those where nobody is, and which do not rest, whatever they did last. */
  #forgetQuiet(): void {
    for (const [name, site] of this.#sites) {
      if (site.present <= 0 && site.restsUntil <= this.#clock.monotonic()) this.#sites.delete(name);
    }
  }

  #site(name: string): Site {
    let site = this.#sites.get(name);
    if (!site) {
      if (this.#sites.size >= MAX_SITES) this.#forgetQuiet();
      site = {
        present: 0,
        turnedAway: new Set(),
        restsInARow: 0,
        restsUntil: Number.NEGATIVE_INFINITY,
        nextAt: Number.NEGATIVE_INFINITY,
        pace: this.#isPaced ? new SitePace() : undefined,
      };
      this.#sites.set(name, site);
    }
    return site;
  }
}

/** Where a session's requests come from. Never shown to anybody: it may hold a password. */
function addressOf({ proxy }: Session): string {
  return proxy === undefined ? '' : (proxy.id ?? proxy.url);
}
