import { randomUUID } from 'node:crypto';
import type { Clock } from '../../internal/clock.ts';
import type { SharedDocument } from '../shared-document.ts';
import type { LearntPace } from './learnt-limit.ts';
import type { PaceDocument, SharedSite } from './pace-document.ts';
import type { SitePace } from './site-pace.ts';

/** So old may be what is known of the others, at a site in use. */
const LOOK_EVERY_MS = 2_500;
/** What is no more urgent than a pace is written no more often. */
const WRITE_EVERY_MS = 5_000;
/** Who was not at a site for so long takes no share of it. */
const WORKER_LEFT_AFTER_MS = 15_000;
/** What nobody has tried meanwhile is half as true after so long. */
const HALF_LIFE_MS = 3_600_000;
const FORGET_AFTER_MS = 86_400_000;
const MAX_SITES = 1_000;

/** A site as its process knows it. */
export interface LocalSite {
  readonly pace: SitePace | undefined;
  /** When somebody of this process last went there, in monotonic time. */
  usedAt: number;
  /** When its pace was last learnt, here or by others, in the store's time. */
  learntAt: number;
  /** Its own lessons that `learntAt` tells of. */
  lessonsTold: number;
}

interface SharedPaceParts {
  readonly document: SharedDocument<PaceDocument>;
  readonly clock: Clock;
  /** The store's. */
  readonly storeClock: Clock;
  readonly sites: ReadonlyMap<string, LocalSite>;
  /** Others have stopped at a site, until this instant of the store. */
  readonly onPaused: (site: string, untilAt: number) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Tells the other workers of a store what was learnt of each site, and hears what they have learnt: in one document, read
 * and written beside the work, every few seconds while a site is in use. Whoever met the last objection has the word.
 */
export class SharedPace {
  readonly #parts: SharedPaceParts;
  readonly #workerId = randomUUID().slice(0, 8);
  /** When to look at the document again, and when to write it again, in monotonic time. */
  #lookAt = Number.NEGATIVE_INFINITY;
  #writeAt = Number.NEGATIVE_INFINITY;
  #wroteAt = Number.NEGATIVE_INFINITY;
  #pending: Promise<void> = Promise.resolve();
  #isClosed = false;
  #hasFailed = false;

  constructor(parts: SharedPaceParts) {
    this.#parts = parts;
  }

  /** Whether the others have told of this site. */
  knows(name: string): boolean {
    return Object.hasOwn(this.#parts.document.value.sites, name);
  }

  /** What the others know by now; a document that cannot be read is told as an error, and done without. */
  async open(): Promise<void> {
    this.#look(this.#parts.clock.monotonic());
    await this.#pending;
  }

  /** Somebody goes to some site. */
  used(now: number): void {
    if (now >= this.#lookAt) this.#look(now);
  }

  /** This process has not been at this site before, or has forgotten it. */
  began(name: string, site: LocalSite, now: number): void {
    const { document, storeClock } = this.#parts;
    if (this.knows(name)) this.#hear(name, site, document.value.sites[name]!, storeClock.now());
    this.used(now);
  }

  /** Nobody is to go there for so long: told at once. */
  paused(name: string, pauseMs: number): void {
    this.#background(async () => {
      await this.#parts.document.change((document) => {
        const now = this.#parts.storeClock.now();
        const known = sitesOf(document).get(name);
        const pausedUntil = Math.max(known?.pausedUntil ?? 0, now + pauseMs);
        const site = { learntAt: 0, workers: {}, ...known, usedAt: now, pausedUntil };
        return withSites(document, new Map([[name, site]]), now);
      });
    });
  }

  /** Tells the last news, and no more after that. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#writeAt = Number.NEGATIVE_INFINITY;
    // Who has heard nothing of anybody, and has nothing to tell, need not ask.
    if (this.#hasNews()) this.#background(() => this.#tell());
    this.#isClosed = true;
    await this.#pending;
  }

  #look(now: number): void {
    this.#lookAt = now + LOOK_EVERY_MS;
    this.#background(async () => {
      const { sites } = await this.#parts.document.read();
      const storeNow = this.#parts.storeClock.now();
      for (const [name, shared] of Object.entries(sites)) {
        const site = this.#parts.sites.get(name);
        if (site) this.#hear(name, site, shared, storeNow);
      }
      if (now >= this.#writeAt && this.#hasNews()) await this.#tell();
      this.#hasFailed = false;
    });
  }

  /** One thing at a time, and nobody waits for it. */
  #background(work: () => Promise<void>): void {
    if (this.#isClosed) return;
    this.#pending = this.#pending.then(work).catch((error) => {
      // Once: it would say the same every few seconds.
      if (!this.#hasFailed) this.#parts.onError(error);
      this.#hasFailed = true;
    });
  }

  #hear(name: string, site: LocalSite, shared: SharedSite, storeNow: number): void {
    if (shared.pausedUntil !== undefined && shared.pausedUntil > storeNow)
      this.#parts.onPaused(name, shared.pausedUntil);
    const { pace } = site;
    if (!pace) return;
    pace.address.sharedBy = this.#workersAt(shared, storeNow);
    if (pace.isFixed || shared.learntAt <= site.learntAt) return;
    site.learntAt = shared.learntAt;
    const now = this.#parts.clock.monotonic();
    const belief = 0.5 ** (Math.max(0, storeNow - shared.usedAt) / HALF_LIFE_MS);
    if (shared.perSession) pace.session.adopt(faded(shared.perSession, belief), now);
    if (shared.perAddress) pace.address.adopt(faded(shared.perAddress, belief), now);
  }

  /** How many are there, with this one. */
  #workersAt({ workers }: SharedSite, storeNow: number): number {
    let others = 0;
    for (const [id, lastAt] of Object.entries(workers)) {
      if (id !== this.#workerId && lastAt > storeNow - WORKER_LEFT_AFTER_MS) others += 1;
    }
    return others + 1;
  }

  #hasNews(): boolean {
    for (const site of this.#parts.sites.values()) if (this.#isNews(site)) return true;
    return false;
  }

  /** Whether there is something to tell of it: it has a pace, and was used since that was told. */
  #isNews({ pace, usedAt, lessonsTold }: LocalSite): boolean {
    if (!pace) return false;
    const { session, address, isFixed, lessons } = pace;
    if (address.intervalMs === 0 && (isFixed || session.intervalMs === 0)) return false;
    return lessons > lessonsTold || usedAt > this.#wroteAt;
  }

  async #tell(): Promise<void> {
    const { document, clock, storeClock, sites } = this.#parts;
    const now = clock.monotonic();
    const news = [...sites].filter(([, site]) => this.#isNews(site));
    const told = new Map<LocalSite, { learntAt: number; lessons: number }>();
    await document.change((before) => {
      const storeNow = storeClock.now();
      const known = sitesOf(before);
      const changed = new Map<string, SharedSite>();
      for (const [name, site] of news) {
        const shared = known.get(name);
        const pace = site.pace!;
        // Its own lesson is younger than what others have told until now.
        const isLesson = pace.lessons > site.lessonsTold;
        const learntAt = isLesson ? Math.max(storeNow, (shared?.learntAt ?? 0) + 1) : site.learntAt;
        const workers = { ...presentIn(shared, storeNow), [this.#workerId]: storeNow };
        const isLast = learntAt >= (shared?.learntAt ?? 0) && !pace.isFixed;
        changed.set(name, {
          learntAt: 0,
          ...shared,
          ...(isLast && { learntAt, perSession: pace.session.learnt, perAddress: pace.address.learnt }),
          usedAt: storeNow,
          workers,
        });
        told.set(site, { learntAt, lessons: pace.lessons });
      }
      return withSites(before, changed, storeNow);
    });
    this.#wroteAt = now;
    this.#writeAt = now + WRITE_EVERY_MS;
    for (const [site, { learntAt, lessons }] of told) {
      site.lessonsTold = lessons;
      site.learntAt = Math.max(site.learntAt, learntAt);
    }
  }
}

function faded({ intervalMs, objectedMs, isGuess }: LearntPace, belief: number): LearntPace {
  return { intervalMs: intervalMs * belief, objectedMs: objectedMs * belief, isGuess };
}

/** By name, whatever a site may be called. */
function sitesOf({ sites }: PaceDocument): Map<string, SharedSite> {
  return new Map(Object.entries(sites));
}

function presentIn(shared: SharedSite | undefined, storeNow: number): Record<string, number> {
  const present = Object.entries(shared?.workers ?? {});
  return Object.fromEntries(present.filter(([, lastAt]) => lastAt > storeNow - WORKER_LEFT_AFTER_MS));
}

/** The document with these sites, and without those where nobody was for long, or longest. */
function withSites(
  document: PaceDocument,
  changed: ReadonlyMap<string, SharedSite>,
  storeNow: number,
): PaceDocument {
  const sites = [...sitesOf(document), ...changed];
  const fresh = [...new Map(sites)].filter(([, { usedAt }]) => usedAt > storeNow - FORGET_AFTER_MS);
  fresh.sort(([, a], [, b]) => b.usedAt - a.usedAt);
  return { sites: Object.fromEntries(fresh.slice(0, MAX_SITES)) };
}
