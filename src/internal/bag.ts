/** What can be in a {@link Bag}: it knows where it is; -1: nowhere. */
export interface Placed {
  place: number;
}

/**
 * Things that come and go all the time, in no order. A `Set` would do, but for this: each time that its table is made anew, the old
 * one keeps what was in it and a way to its successor; once one of them is old, collections of young garbage take all that
 * follow for alive. With a few thousand calls a second that was most of what they had to copy.
 */
export class Bag<T extends Placed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** Answers whether it was there. */
  delete(item: T): boolean {
    const { place } = item;
    if (place < 0) return false;
    const last = this.#items.pop()!;
    if (last !== item) {
      this.#items[place] = last;
      last.place = place;
    }
    item.place = -1;
    return true;
  }

  clear(): void {
    for (const item of this.#items) item.place = -1;
    this.#items.length = 0;
  }

  /** A copy: who is looked at may leave. */
  all(): T[] {
    return [...this.#items];
  }
}
