import { KnownRanges } from '../known-ranges.ts';
import { TICKS } from './store-time.ts';

/**
 * The stretches of the queue that a walk for one site needs not look at again. What lies in the current
 * millisecond is forgotten with it: until then another process may still free a session into that stretch.
 */
export class SeenQueue {
  readonly #settled = new KnownRanges();
  #recent = new KnownRanges();
  #now = -1;

  /** To be called before a walk. */
  moveTo(now: number): void {
    if (now === this.#now) return;
    this.#now = now;
    this.#recent = new KnownRanges();
  }

  skipUp(position: number): number {
    const next = this.#recent.skipUp(this.#settled.skipUp(position));
    return next === position ? position : this.skipUp(next);
  }

  skipDown(position: number): number {
    const next = this.#recent.skipDown(this.#settled.skipDown(position));
    return next === position ? position : this.skipDown(next);
  }

  endUp(position: number, limit: number): number {
    return this.#recent.endUp(position, this.#settled.endUp(position, limit));
  }

  endDown(position: number, limit: number): number {
    return this.#recent.endDown(position, this.#settled.endDown(position, limit));
  }

  add(from: number, to: number): void {
    const settled = this.#now * TICKS - 1;
    this.#settled.add(from, Math.min(to, settled));
    this.#recent.add(Math.max(from, settled + 1), to);
  }
}
