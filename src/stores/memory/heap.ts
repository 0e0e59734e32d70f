/** What a {@link Heap} holds: it writes the item's place into `index`, -1 when it is in none. */
export interface HeapItem {
  index: number;
}

/**
 * The items that end first, first. A binary heap whose items know their place, so that what ends early (a lease
 * given back) leaves at once: lazily deleted entries would pile up by the million within one lease time. The
 * keys lie in an array of their own: comparing them touches no item, and most sifts touch no more than one.
 */
export class Heap<Item extends HeapItem> {
  readonly #items: Item[] = [];
  readonly #keys: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  /** The smallest key; `Infinity` when empty. */
  get firstKey(): number {
    return this.#keys.length === 0 ? Number.POSITIVE_INFINITY : this.#keys[0]!;
  }

  keyOf(item: Item): number {
    return this.#keys[item.index]!;
  }

  push(item: Item, key: number): void {
    this.#items.push(item);
    this.#keys.push(key);
    this.#rise(this.#items.length - 1, item, key);
  }

  remove(item: Item): void {
    const index = item.index;
    item.index = -1;
    const last = this.#items.pop()!;
    const lastKey = this.#keys.pop()!;
    if (last !== item) this.#settle(index, last, lastKey);
  }

  update(item: Item, key: number): void {
    this.#settle(item.index, item, key);
  }

  /**
   * The earliest end among the items: `endOf` answers an item's own, no earlier than its key, `Infinity` for one
   * that does not count. Looks at no more than `atMost` items; cut short, it may answer too early, never too late.
   */
  earliest(endOf: (item: Item, key: number) => number, atMost: number): number {
    let best = Number.POSITIVE_INFINITY;
    const open = [0];
    let looked = 0;
    while (open.length > 0) {
      const index = open.pop()!;
      if (index >= this.#keys.length || this.#keys[index]! >= best) continue;
      const key = this.#keys[index]!;
      best = Math.min(best, looked++ < atMost ? endOf(this.#items[index]!, key) : key);
      open.push(2 * index + 2, 2 * index + 1);
    }
    return best;
  }

  /** How many keys are at or below `key`, counting no further than `atMost`. */
  countUpTo(key: number, atMost: number): number {
    let count = 0;
    const open = [0];
    while (open.length > 0 && count < atMost) {
      const index = open.pop()!;
      if (index >= this.#keys.length || this.#keys[index]! > key) continue;
      count++;
      open.push(2 * index + 1, 2 * index + 2);
    }
    return count;
  }

  #settle(index: number, item: Item, key: number): void {
    if (index > 0 && this.#keys[(index - 1) >> 1]! > key) this.#rise(index, item, key);
    else this.#sink(index, item, key);
  }

  #rise(start: number, item: Item, key: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#put(index, this.#items[parent]!, this.#keys[parent]!);
      index = parent;
    }
    this.#put(index, item, key);
  }

  #sink(start: number, item: Item, key: number): void {
    const length = this.#items.length;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#keys[child + 1]! < this.#keys[child]!) child++;
      if (this.#keys[child]! >= key) break;
      this.#put(index, this.#items[child]!, this.#keys[child]!);
      index = child;
    }
    this.#put(index, item, key);
  }

  #put(index: number, item: Item, key: number): void {
    this.#items[index] = item;
    this.#keys[index] = key;
    item.index = index;
  }
}
