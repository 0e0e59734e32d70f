import { SeenQueue } from './seen-queue.ts';

/** Sites whose ranges are kept; the one longest unused is forgotten, which costs it a new walk. */
const MAX_SITES = 1000;

/** What one process remembers between transactions. Never needed for a right answer, only for a quick one. */
export class Hints {
  /** Expiries up to this entry were looked at: each was buried, or is leased and buried when it comes back. */
  expiry = { expires: -1, sid: -1 };
  /** The millisecond in which the sweeps ran last, if they found no more to do. */
  sweptAt = -1;
  readonly #sites = new Map<string, SeenQueue>();
  #latest = 0;

  /** Stretches of the queue that hold only sessions blocked for the site. */
  blocked(site: string): SeenQueue {
    const seen = this.#sites.get(site) ?? new SeenQueue();
    this.#sites.delete(site);
    this.#sites.set(site, seen);
    if (this.#sites.size > MAX_SITES) this.#sites.delete(this.#sites.keys().next().value!);
    seen.moveTo(this.#latest);
    return seen;
  }

  /**
   * Everything here rests on new dues and expiries being later than the old ones. When the wall clock was set
   * back that does not hold, and all is forgotten.
   */
  checkClock(now: number): void {
    if (now < this.#latest) this.forget();
    this.#latest = now;
  }

  forget(): void {
    this.expiry = { expires: -1, sid: -1 };
    this.sweptAt = -1;
    this.#sites.clear();
  }
}
