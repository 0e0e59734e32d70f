// The site remembers which pages have failed already; beyond this the oldest may fail once more.
const maxRemembered = 1_000_000;

/**
 * Chooses the pages that fail at their first attempt. The choice hangs on the seed and the number of the page
 * alone, not on the order of requests, so that a run repeats however concurrent it is.
 */
export class Flakiness {
  readonly #ratio: number;
  readonly #seed: number;
  readonly #failed = new Set<number>();

  constructor(ratio: number, seed: number) {
    this.#ratio = ratio;
    this.#seed = seed;
  }

  /** Whether this attempt fails. */
  fails(page: number): boolean {
    if (seededFraction(this.#seed, page) >= this.#ratio || this.#failed.has(page)) return false;
    if (this.#failed.size >= maxRemembered) this.#failed.delete(this.#failed.values().next().value!);
    this.#failed.add(page);
    return true;
  }

  /** The status with which this attempt fails, or undefined where it succeeds. */
  attempt(page: number): 500 | 503 | undefined {
    if (!this.fails(page)) return undefined;
    return seededFraction(this.#seed, page) < this.#ratio / 2 ? 503 : 500;
  }

  /** Every page is at its first attempt again. */
  reset(): void {
    this.#failed.clear();
  }
}

/** A number from 0 to below 1 that hangs on the two numbers alone: the finaliser of MurmurHash3 over both. */
export function seededFraction(seed: number, index: number): number {
  let bits = seed ^ Math.imul(index >>> 0, 0x9e3779b1) ^ Math.floor(index / 0x1_0000_0000);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 0x1_0000_0000;
}
