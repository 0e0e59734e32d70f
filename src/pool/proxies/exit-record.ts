/** What a proxy reached longer ago says nothing of what it can reach now. */
const RECENTLY_MS = 60_000;
/** So many in a row are no single site's fault, whatever was reached before. */
const TOO_MANY = 3;

interface Exit {
  reachedAt: number;
  /** Since then. */
  failures: number;
  site: string | undefined;
}

/**
 * Tells a proxy that reaches nothing any more from a site that cannot be reached: both look the same to one request that
 * the proxy took and could not carry on.
 */
export class ExitRecord {
  readonly #exits = new Map<string, Exit>();

  /** Something came back through the proxy. */
  reached(tag: string): void {
    const exit = this.#exits.get(tag);
    if (exit === undefined) {
      this.#exits.set(tag, { reachedAt: performance.now(), failures: 0, site: undefined });
      return;
    }
    exit.reachedAt = performance.now();
    exit.failures = 0;
  }

  /**
   * The proxy did not get through to this site. Answers whether that is its own fault: it has reached nothing lately, or
   * failed for another site, too, or again and again.
   */
  failed(tag: string, site: string): boolean {
    const exit = this.#exits.get(tag);
    if (exit === undefined || performance.now() - exit.reachedAt > RECENTLY_MS) return true;
    exit.failures += 1;
    const isAnother = exit.failures > 1 && exit.site !== site;
    exit.site = site;
    return isAnother || exit.failures >= TOO_MANY;
  }

  /** Only those that are still listed. */
  keepOnly(isKnown: (tag: string) => boolean): void {
    for (const tag of this.#exits.keys()) if (!isKnown(tag)) this.#exits.delete(tag);
  }
}
