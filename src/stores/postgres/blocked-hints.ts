import { KnownRanges } from '../known-ranges.ts';
import type { Moment, ServerTime } from './server-time.ts';

/** Sites whose ranges are kept; the one longest unused is forgotten, which costs it a new walk. */
const MAX_SITES = 1000;
/** What was seen of the last moments is forgotten so often: somebody's work of that time may not have shown itself. */
const RECENT_MS = 1000;
/** All is forgotten so often, whatever went wrong. */
const ALL_MS = 300_000;

interface SiteHint {
  settled: KnownRanges;
  recent: KnownRanges;
  recentSince: number;
  moment: number;
}

/** The stretches of the queue that hold only sessions blocked for a site, by site. */
export class BlockedHints {
  readonly #time: ServerTime;
  readonly #sites = new Map<string, SiteHint>();
  #allSince = performance.now();

  constructor(time: ServerTime) {
    this.#time = time;
  }

  /** From, to, from, to, …, in order. */
  known(site: string, moment: Moment): number[] {
    const now = performance.now();
    if (now - this.#allSince > ALL_MS) {
      this.#allSince = now;
      this.#sites.clear();
    }
    const hint = this.#hint(site);
    const isOver = moment === null ? now - hint.recentSince > RECENT_MS : hint.moment !== moment[0];
    if (isOver) forgetRecent(hint, moment);
    const all = new KnownRanges();
    for (const ranges of [hint.settled, hint.recent]) {
      for (const { from, to } of ranges.all) all.add(from, to);
    }
    return all.all.flatMap(({ from, to }) => [from, to]);
  }

  walked(site: string, moment: Moment, tick: number, ranges: readonly number[]): void {
    const hint = this.#hint(site);
    const settledTo = this.#time.settledAt(moment, tick);
    for (let index = 0; index < ranges.length; index += 2) {
      const [from, to] = [ranges[index]!, Math.min(ranges[index + 1]!, tick)];
      hint.settled.add(from, Math.min(to, settledTo));
      hint.recent.add(Math.max(from, settledTo + 1), to);
    }
  }

  /** Something became free at these dues: what was said of them was said too early. */
  freed(dues: readonly number[]): void {
    for (const hint of this.#sites.values()) {
      for (const due of dues) {
        if (hint.settled.skipUp(due) !== due) hint.settled = new KnownRanges();
        if (hint.recent.skipUp(due) !== due) hint.recent = new KnownRanges();
      }
    }
  }

  forgetRecent(): void {
    for (const hint of this.#sites.values()) hint.recent = new KnownRanges();
  }

  #hint(site: string): SiteHint {
    const hint = this.#sites.get(site) ?? {
      settled: new KnownRanges(),
      recent: new KnownRanges(),
      recentSince: 0,
      moment: -1,
    };
    this.#sites.delete(site);
    this.#sites.set(site, hint);
    if (this.#sites.size > MAX_SITES) this.#sites.delete(this.#sites.keys().next().value!);
    return hint;
  }
}

function forgetRecent(hint: SiteHint, moment: Moment): void {
  hint.recent = new KnownRanges();
  hint.recentSince = performance.now();
  hint.moment = moment === null ? -1 : moment[0];
}
