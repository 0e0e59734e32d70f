/** Below this, additions are never too many to keep. */
const MIN_PENDING = 1000;

/**
 * The ids in order, for lists: made when somebody lists, then kept up to date by merging in what was added since.
 * Nobody pays for it in a store that is not listed, and it is given up where far more is added than listed.
 */
export class IdOrder {
  #ids: string[] | null = null;
  #added: string[] = [];
  #removed = 0;

  added(id: string): void {
    if (this.#ids === null) return;
    this.#added.push(id);
    if (this.#added.length > MIN_PENDING + this.#ids.length / 2) this.#ids = null;
  }

  removed(): void {
    if (this.#ids !== null) this.#removed++;
  }

  /** All ids in order. A few may be gone meanwhile. */
  ids(records: ReadonlyMap<string, unknown>): readonly string[] {
    if (this.#ids === null) {
      this.#ids = [...records.keys()].sort();
    } else if (this.#added.length > 0) {
      this.#ids = merge(this.#ids, this.#added.sort(), records);
    } else if (this.#removed > MIN_PENDING + this.#ids.length / 2) {
      this.#ids = this.#ids.filter((id) => records.has(id));
    } else {
      return this.#ids;
    }
    this.#added = [];
    this.#removed = 0;
    return this.#ids;
  }
}

/** The index of the first id after this one. */
export function indexAfter(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Both in order, without those that are gone and without repetitions (an id may be removed and added again). */
function merge(a: readonly string[], b: readonly string[], records: ReadonlyMap<string, unknown>): string[] {
  const merged: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const id = j >= b.length || (i < a.length && a[i]! <= b[j]!) ? a[i++]! : b[j++]!;
    if (id !== merged.at(-1) && records.has(id)) merged.push(id);
  }
  return merged;
}
