import type { StoredRecord } from './record.ts';

/** Who belongs to what, and how many of them live. A tag that nobody has is forgotten. */
export class Tags {
  readonly #records = new Map<string, Set<StoredRecord>>();
  readonly #living = new Map<string, number>();

  /** Those with the tag, living and dead. */
  get(tag: string): Iterable<StoredRecord> {
    return this.#records.get(tag) ?? [];
  }

  add(record: StoredRecord, tag: string): void {
    const tagged = this.#records.get(tag);
    if (tagged) tagged.add(record);
    else this.#records.set(tag, new Set([record]));
  }

  delete(record: StoredRecord, tag: string): void {
    const tagged = this.#records.get(tag)!;
    tagged.delete(record);
    if (tagged.size === 0) this.#records.delete(tag);
  }

  /** So many more of the living have the tag. */
  count(tag: string, by: number): void {
    const living = this.living(tag) + by;
    if (living === 0) this.#living.delete(tag);
    else this.#living.set(tag, living);
  }

  /** The living that have the tag. */
  living(tag: string): number {
    return this.#living.get(tag) ?? 0;
  }

  /** The living by tag, of at most so many tags. */
  counts(most: number): Record<string, number> {
    const counted: [string, number][] = [];
    for (const entry of this.#living) {
      if (counted.length === most) break;
      counted.push(entry);
    }
    return Object.fromEntries(counted);
  }
}
