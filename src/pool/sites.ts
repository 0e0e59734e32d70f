import { aboutAsLong } from '../internal/chance.ts';
import type { Clock } from '../internal/clock.ts';
import type { Session } from '../session/session.ts';
import type { Judgement } from '../verdict/judge.ts';
import { BlockBreaker } from './brakes/block-breaker.ts';
import type { BlockBreakerOptions } from './brakes/options.ts';
import type { PoolEventBus } from './events.ts';
import { isStoreAway } from './outage.ts';
import type { FixedPace } from './pace/options.ts';
import type { PaceDocument } from './pace/pace-document.ts';
import { type LocalSite, SharedPace } from './pace/shared-pace.ts';
import { SitePace, type Visit } from './pace/site-pace.ts';
import type { SharedDocument } from './shared-document.ts';

/** Users turned away in a row before the whole site rests. */
const TURNED_AWAY_IN_A_ROW = 3;
const FIRST_REST_MS = 1_000;
/** A shorter pause of a site is its pace, and nothing to tell. */
const LEAST_TOLD_REST_MS = 1_000;
/** A pause by others that ends so little later is one that is known. */
const KNOWN_PAUSE_MS = 1_000;
/** Sites remembered before those that no longer matter are forgotten. */
const MAX_SITES = 10_000;

interface Site extends LocalSite {
  /** Users of this process that are there now. */
  present: number;
  /** Different users that were rate-limited since the last one who was not. */
  readonly turnedAway: Set<string>;
  /** Rests since the site last let somebody in: the next one is twice as long. */
  restsInARow: number;
  restsUntil: number;
  /** When the next may go, by `minDelayPerSiteMs`. */
  nextAt: number;
  readonly breaker: BlockBreaker | undefined;
  /** It blocked so many that it was left alone: one at a time goes there, until one is served. */
  isPaused: boolean;
}

/** Where the workers of a store tell each other what they have learnt. */
interface SharedTraffic {
  readonly document: SharedDocument<PaceDocument>;
  readonly storeClock: Clock;
}

/** What a pool has learnt of a site's pace, or was told. */
export interface SitePaceStats {
  /** Between two uses of one session, in milliseconds; 0: no limit met. */
  readonly perSessionMs: number;
  /** Between two uses of one exit address, in milliseconds; 0: no limit met. */
  readonly perAddressMs: number;
  /** How often the site objected to a use by this process. */
  readonly objections: number;
}

interface SiteTrafficOptions {
  readonly maxConcurrentPerSite: number;
  readonly maxRestMs: number;
  readonly pace: 'auto' | 'off' | FixedPace;
  readonly minDelayPerSiteMs: number;
  readonly blockBreaker: Required<BlockBreakerOptions> | null;
}

/**
 * How this process treats each site, and what it hears of it from the other workers of the store: at most so many users at
 * once, at the site's pace, and none while it blocks one after the other. Where no pace is learnt, the whole site rests
 * when it turns several users in a row away: it is then the site that is busy, and more users would only be burnt.
 */
export class SiteTraffic {
  readonly #clock: Clock;
  readonly #maxPresent: number;
  readonly #maxRestMs: number;
  readonly #minDelayMs: number;
  readonly #pace: 'auto' | 'off' | FixedPace;
  readonly #sites = new Map<string, Site>();

  readonly #events: PoolEventBus;
  readonly #breaker: Required<BlockBreakerOptions> | null;
  readonly #shared: SharedPace | undefined;

  /** @param shared absent where nobody else has the sessions */
  constructor(clock: Clock, options: SiteTrafficOptions, events: PoolEventBus, shared?: SharedTraffic) {
    this.#events = events;
    this.#breaker = options.blockBreaker;
    this.#clock = clock;
    this.#maxPresent = options.maxConcurrentPerSite;
    this.#maxRestMs = options.maxRestMs;
    this.#minDelayMs = options.minDelayPerSiteMs;
    this.#pace = options.pace;
    if (!shared || (this.#pace === 'off' && this.#breaker === null)) return;
    this.#shared = new SharedPace({
      ...shared,
      clock,
      sites: this.#sites,
      onPaused: (name, untilAt) => this.#pausedByOthers(name, untilAt - shared.storeClock.now()),
      onError: (error) => {
        // That the store is away is told as such.
        if (!isStoreAway(error)) events.emit('error', { error, during: 'sharing the pace of sites' });
      },
    });
  }

  /** Hears what the other workers know, so that the first request keeps to it. */
  async open(): Promise<void> {
    await this.#shared?.open();
  }

  /** Tells the other workers what is left to tell. */
  async close(): Promise<void> {
    await this.#shared?.close();
  }

  /** 0: one more user may go there now. Else milliseconds until one may, or Infinity: until somebody leaves. */
  waitMs(name: string): number {
    const site = this.#sites.get(name) ?? (this.#shared?.knows(name) ? this.#site(name) : undefined);
    if (!site) return 0;
    const now = this.#clock.monotonic();
    const restMs = Math.max(site.restsUntil, site.nextAt) - now;
    if (restMs > 0) return restMs;
    const isProbing = site.isPaused || site.pace?.isProbing === true;
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
    const site = this.#sites.get(name);
    if (!site) return 0;
    const now = this.#clock.monotonic();
    site.usedAt = now;
    this.#shared?.used(now);
    return site.pace === undefined ? 0 : site.pace.take(session.id, addressOf(session), now);
  }

  /** How long this user must still wait when its turn has come: others were refused meanwhile. */
  restMs(name: string, session: Session): number {
    const pace = this.#sites.get(name)?.pace;
    return pace === undefined ? 0 : pace.restMs(addressOf(session), this.#clock.monotonic());
  }

  /** What the site had to say to a user that went there at `sentAt`. */
  told(name: string, session: Session, sentAt: number, judgement: Judgement): void {
    const { verdict, by, penalty, retryAfterMs } = judgement;
    const isOk = verdict === 'ok';
    const isLimit = verdict === 'rate-limited';
    const isBlock = verdict === 'blocked';
    // Another site's word, or a URL's own fault, says nothing of this site.
    if (by !== undefined || penalty === 'none' || !(isOk || isLimit || isBlock)) return;
    const site = isOk ? this.#sites.get(name) : this.#site(name);
    if (!site) return;
    if (isOk && site.isPaused) this.#resume(name, site);
    // A page that only rests its user is answered by the pace: it is no wave, however many met it in the first rush.
    const isSoft = isBlock && penalty !== undefined && site.pace !== undefined;
    if (!isLimit && !isSoft && site.breaker?.isTooMuch(isBlock)) this.#pause(name, site);
    const askedMs = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, this.#maxRestMs);
    if (site.pace && !site.pace.isFixed)
      this.#learn(
        name,
        site.pace,
        isOk,
        { sessionId: session.id, address: addressOf(session), sentAt },
        askedMs,
      );
    else if (isLimit) this.#turnedAway(name, site, session.id, askedMs);
    else if (isOk) {
      site.turnedAway.clear();
      site.restsInARow = 0;
    }
  }

  #learn(name: string, pace: SitePace, isOk: boolean, visit: Visit, askedMs: number | undefined): void {
    const now = this.#clock.monotonic();
    if (isOk) {
      pace.content(visit, now);
      return;
    }
    const ms = pace.objected(visit, now, askedMs);
    if (ms >= LEAST_TOLD_REST_MS)
      this.#events.emit('siteRested', { site: name, ms, reason: 'it turned users away' });
  }

  #pause(name: string, site: Site): void {
    const { pauseMs, ratio, window } = this.#breaker!;
    site.isPaused = true;
    site.restsUntil = Math.max(site.restsUntil, this.#clock.monotonic() + pauseMs);
    this.#shared?.paused(name, pauseMs);
    const reason = `of the last ${window} answers at least ${Math.round(ratio * 100)} % were blocks`;
    this.#events.emit('sitePaused', { site: name, ms: pauseMs, reason });
  }

  #pausedByOthers(name: string, ms: number): void {
    const site = this.#sites.get(name);
    if (!site || this.#breaker === null) return;
    const untilAt = this.#clock.monotonic() + ms;
    // Else it is known: clocks are not told to the millisecond.
    if (untilAt < site.restsUntil + KNOWN_PAUSE_MS) return;
    site.isPaused = true;
    site.restsUntil = untilAt;
    this.#events.emit('sitePaused', { site: name, ms, reason: 'another worker was blocked too often' });
  }

  #resume(name: string, site: Site): void {
    site.isPaused = false;
    this.#events.emit('siteResumed', { site: name });
  }

  /** The site rate-limited a user: after several in a row all stay away. */
  #turnedAway(name: string, site: Site, sessionId: string, askedMs: number | undefined): void {
    site.turnedAway.add(sessionId);
    if (site.turnedAway.size < TURNED_AWAY_IN_A_ROW) return;
    site.turnedAway.clear();
    const ownMs = aboutAsLong(FIRST_REST_MS * 2 ** Math.min(site.restsInARow, 20));
    const ms = Math.min(askedMs ?? ownMs, this.#maxRestMs);
    site.restsInARow += 1;
    site.restsUntil = Math.max(site.restsUntil, this.#clock.monotonic() + ms);
    this.#events.emit('siteRested', { site: name, ms, reason: 'several users in a row were rate-limited' });
  }

  /** What was learnt of a site's pace, for people to see. */
  paceOf(name: string): SitePaceStats | undefined {
    const pace = this.#sites.get(name)?.pace;
    if (!pace || !isPaced(pace)) return undefined;
    const { session, address, objections } = pace;
    return {
      perSessionMs: Math.round(session.intervalMs),
      perAddressMs: Math.round(address.intervalMs),
      objections,
    };
  }

  /** The sites that have a pace. */
  get paced(): string[] {
    return [...this.#sites].filter(([, { pace }]) => pace && isPaced(pace)).map(([name]) => name);
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
        pace: this.#newPace(),
        usedAt: Number.NEGATIVE_INFINITY,
        learntAt: 0,
        lessonsTold: 0,
        breaker: this.#breaker === null ? undefined : new BlockBreaker(this.#breaker),
        isPaused: false,
      };
      this.#sites.set(name, site);
      this.#shared?.began(name, site, this.#clock.monotonic());
    }
    return site;
  }

  #newPace(): SitePace | undefined {
    if (this.#pace === 'off') return undefined;
    return this.#pace === 'auto' ? new SitePace() : new SitePace(Math.random, this.#pace);
  }
}

function isPaced({ objections, session, address }: SitePace): boolean {
  return objections > 0 || session.intervalMs > 0 || address.intervalMs > 0;
}

/** Where a session's requests come from. Never shown to anybody: it may hold a password. */
function addressOf({ proxy }: Session): string {
  return proxy === undefined ? '' : (proxy.id ?? proxy.url);
}
