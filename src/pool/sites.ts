import type { Clock } from '../internal/clock.ts';

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
}

/**
 * How this process treats each site: at most so many users at once, and a rest for the whole site when it turns
 * several users in a row away: it is then the site that is busy, and more users would only be burnt.
 */
export class SiteTraffic {
  readonly #clock: Clock;
  readonly #maxPresent: number;
  readonly #maxRestMs: number;
  readonly #sites = new Map<string, Site>();

  constructor(clock: Clock, options: { maxConcurrentPerSite: number; maxRestMs: number }) {
    this.#clock = clock;
    this.#maxPresent = options.maxConcurrentPerSite;
    this.#maxRestMs = options.maxRestMs;
  }

  /** 0: one more user may go there now. Else milliseconds until the site's rest ends, or Infinity: until somebody leaves. */
  waitMs(name: string): number {
    const site = this.#sites.get(name);
    if (!site) return 0;
    const restMs = site.restsUntil - this.#clock.monotonic();
    if (restMs > 0) return restMs;
    return site.present < this.#maxPresent ? 0 : Number.POSITIVE_INFINITY;
  }

  enter(name: string): void {
    this.#site(name).present += 1;
  }

  leave(name: string): void {
    const site = this.#sites.get(name);
    if (!site) return;
    site.present -= 1;
    const isQuiet = site.present <= 0 && site.turnedAway.size === 0 && site.restsInARow === 0;
    if (isQuiet && site.restsUntil <= this.#clock.monotonic()) this.#sites.delete(name);
  }

  /** The site let a user in: whatever it was, it is over. */
  letIn(name: string): void {
    const site = this.#sites.get(name);
    if (!site) return;
    site.turnedAway.clear();
    site.restsInARow = 0;
  }

  /** The site rate-limited a user. Answers how long the site now rests, 0 if it does not. */
  turnedAway(name: string, sessionId: string, askedMs: number | undefined): number {
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
      const ms = site.restsUntil - this.#clock.monotonic();
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
      site = { present: 0, turnedAway: new Set(), restsInARow: 0, restsUntil: Number.NEGATIVE_INFINITY };
      this.#sites.set(name, site);
    }
    return site;
  }
}
