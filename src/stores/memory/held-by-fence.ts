import type { Held } from './record.ts';

const MIN_BITS = 4;

/**
 * The leases under way, by fence. An open-addressed table instead of a `Map`: a `Map` that is written and deleted
 * from all the time makes a new table every few leases, and each one that grew old keeps all later ones alive
 * until the next full garbage collection, some 60 bytes a lease.
 */
export class HeldByFence {
  #bits = MIN_BITS;
  #slots: (Held | undefined)[] = new Array(2 ** MIN_BITS).fill(undefined);
  #size = 0;

  get(fence: number): Held | undefined {
    const mask = this.#slots.length - 1;
    for (let at = this.#home(fence); ; at = (at + 1) & mask) {
      const held = this.#slots[at];
      if (held === undefined || held.fence === fence) return held;
    }
  }

  add(held: Held): void {
    if (2 * ++this.#size > this.#slots.length) this.#resize(this.#bits + 1);
    this.#place(held);
  }

  delete(held: Held): void {
    const mask = this.#slots.length - 1;
    let hole = this.#home(held.fence);
    while (this.#slots[hole] !== held) hole = (hole + 1) & mask;
    this.#slots[hole] = undefined;
    // Whoever stands behind and would no longer be found moves into the hole.
    for (let at = (hole + 1) & mask; this.#slots[at] !== undefined; at = (at + 1) & mask) {
      const other = this.#slots[at]!;
      const isBeyond = ((at - this.#home(other.fence)) & mask) >= ((at - hole) & mask);
      if (!isBeyond) continue;
      this.#slots[hole] = other;
      this.#slots[at] = undefined;
      hole = at;
    }
    if (8 * --this.#size < this.#slots.length && this.#bits > MIN_BITS) this.#resize(this.#bits - 1);
  }

  /** Multiplied by the golden ratio, consecutive fences spread evenly, so that the way to each stays short. */
  #home(fence: number): number {
    return Math.imul(fence, 0x9e3779b1) >>> (32 - this.#bits);
  }

  #place(held: Held): void {
    const mask = this.#slots.length - 1;
    let at = this.#home(held.fence);
    while (this.#slots[at] !== undefined) at = (at + 1) & mask;
    this.#slots[at] = held;
  }

  #resize(bits: number): void {
    const old = this.#slots;
    this.#bits = bits;
    this.#slots = new Array(2 ** bits).fill(undefined);
    for (const held of old) if (held !== undefined) this.#place(held);
  }
}
