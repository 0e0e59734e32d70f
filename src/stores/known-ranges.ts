/** More stretches than this mean a queue full of holes; the shortest is forgotten. */
const MAX_RANGES = 16;

export interface Range {
  from: number;
  to: number;
}

/**
 * Stretches of whole numbers that were seen, both ends included, kept merged and in order. A walk along the queue
 * skips them from either end.
 */
export class KnownRanges {
  #ranges: Range[] = [];

  /** In order, none touching another. */
  get all(): readonly Readonly<Range>[] {
    return this.#ranges;
  }

  /** The first number from `position` on, upwards, that is not known. */
  skipUp(position: number): number {
    for (const range of this.#ranges) {
      if (range.from <= position && position <= range.to) return range.to + 1;
    }
    return position;
  }

  skipDown(position: number): number {
    for (const range of this.#ranges) {
      if (range.from <= position && position <= range.to) return range.from - 1;
    }
    return position;
  }

  /** The last unknown number before the next known stretch above, at most `limit`. */
  endUp(position: number, limit: number): number {
    const next = this.#ranges.find((range) => range.from > position);
    return next === undefined ? limit : Math.min(limit, next.from - 1);
  }

  endDown(position: number, limit: number): number {
    const next = this.#ranges.findLast((range) => range.to < position);
    return next === undefined ? limit : Math.max(limit, next.to + 1);
  }

  add(from: number, to: number): void {
    if (from > to) return;
    const apart: Range[] = [];
    const merged = { from, to };
    for (const range of this.#ranges) {
      if (range.to < from - 1 || range.from > to + 1) {
        apart.push(range);
      } else {
        merged.from = Math.min(merged.from, range.from);
        merged.to = Math.max(merged.to, range.to);
      }
    }
    apart.push(merged);
    apart.sort((a, b) => a.from - b.from);
    if (apart.length > MAX_RANGES) {
      const lengths = apart.map((range) => range.to - range.from);
      apart.splice(lengths.indexOf(Math.min(...lengths)), 1);
    }
    this.#ranges = apart;
  }
}
