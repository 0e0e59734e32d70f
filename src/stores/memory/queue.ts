import type { StoredRecord } from './record.ts';

/** Records in a chunk. Small enough that a sparse one wastes little, large enough that the directory is small. */
const CHUNK = 256;
const CHUNK_BITS = 8;
/** Positions stay small integers, which V8 keeps without a box. */
const LAST_POSITION = 2 ** 30;

type Chunk = (StoredRecord | undefined)[];

/**
 * A queue that a record can leave from anywhere in constant time, and that can be entered at any position.
 *
 * Positions only grow and are written into the record; what leaves makes a hole. The slots lie in chunks, found
 * through a circular directory: an empty chunk is given back, so that a long run of holes (the sessions of one
 * site going round while the banned stay where they are) costs next to nothing, where one flat ring would have to
 * be compacted, all million records of it, every time it fills up. Only when the chunks left are sparse is
 * everything renumbered, in order, which is paid for by the many removals before.
 */
export class SessionQueue {
  #directory: (Chunk | undefined)[] = new Array(16).fill(undefined);
  /** Records in each chunk of the directory. */
  #counts = new Int32Array(16);
  #mask = 15;
  #chunks = 0;
  #spare: Chunk | undefined;
  #head = 0;
  /** One beyond the last record. */
  #top = 0;
  /** The next position to give out: `#top`, unless a mark stands higher. */
  #tail = 0;
  #fixed = 0;
  #live = 0;
  readonly #onRenumber: ((renumber: (position: number) => number) => void) | undefined;

  /** `onRenumber` is told how positions that it keeps have moved. */
  constructor(onRenumber?: (renumber: (position: number) => number) => void) {
    this.#onRenumber = onRenumber;
  }

  get size(): number {
    return this.#live;
  }

  /** The first position; holes may follow, but a record stands on it. */
  get head(): number {
    return this.#head;
  }

  /** One beyond the last position that a record stands on. */
  get top(): number {
    return this.#top;
  }

  get first(): StoredRecord | undefined {
    return this.#live === 0 ? undefined : this.at(this.#head);
  }

  get last(): StoredRecord | undefined {
    return this.#live === 0 ? undefined : this.at(this.#top - 1);
  }

  /** The record on this position, from `head` up to `top`; `undefined`: a hole. */
  at(position: number): StoredRecord | undefined {
    const chunk = this.#directory[(position >> CHUNK_BITS) & this.#mask];
    return chunk === undefined ? undefined : chunk[position & (CHUNK - 1)];
  }

  /** The first position from here on, upward, that has a record; `top` if none has. */
  next(position: number): number {
    let at = Math.max(position, this.#head);
    while (at < this.#top) {
      const chunk = this.#directory[(at >> CHUNK_BITS) & this.#mask];
      if (chunk === undefined) at = ((at >> CHUNK_BITS) + 1) << CHUNK_BITS;
      else if (chunk[at & (CHUNK - 1)] === undefined) at++;
      else return at;
    }
    return this.#top;
  }

  /** The first position from here on, downward, that has a record; less than `head` if none has. */
  previous(position: number): number {
    let at = Math.min(position, this.#top - 1);
    while (at >= this.#head) {
      const chunk = this.#directory[(at >> CHUNK_BITS) & this.#mask];
      if (chunk === undefined) at = ((at >> CHUNK_BITS) << CHUNK_BITS) - 1;
      else if (chunk[at & (CHUNK - 1)] === undefined) at--;
      else return at;
    }
    return this.#head - 1;
  }

  /**
   * Says that somebody remembers positions below this one. They are then not given out again, as the last
   * positions otherwise are when their records leave.
   */
  fix(position: number): void {
    if (position > this.#fixed) this.#fixed = position;
  }

  /** Nobody remembers positions any more. */
  unfix(): void {
    this.#fixed = 0;
  }

  append(record: StoredRecord): void {
    let number = this.#tail >> CHUNK_BITS;
    let chunk = this.#directory[number & this.#mask];
    // In the directory's circle the new chunk's place may still be taken by the first one.
    if (chunk === undefined || number - (this.#head >> CHUNK_BITS) > this.#mask) {
      this.#makeSpace();
      number = this.#tail >> CHUNK_BITS;
      chunk = this.#directory[number & this.#mask] ?? this.#addChunk(number);
    }
    chunk[this.#tail & (CHUNK - 1)] = record;
    this.#counts[number & this.#mask]!++;
    record.position = this.#tail++;
    this.#top = this.#tail;
    if (this.#live++ === 0) this.#head = record.position;
  }

  remove(record: StoredRecord): void {
    const position = record.position;
    const place = (position >> CHUNK_BITS) & this.#mask;
    const chunk = this.#directory[place]!;
    chunk[position & (CHUNK - 1)] = undefined;
    record.position = -1;
    if (--this.#counts[place]! === 0) {
      this.#directory[place] = undefined;
      this.#chunks--;
      this.#spare = chunk;
    }
    if (--this.#live === 0) {
      this.#tail = Math.max(this.#fixed, this.#head);
      this.#head = this.#tail;
      this.#top = this.#tail;
    } else if (position === this.#head) {
      this.#head = this.next(position + 1);
    } else if (position === this.#top - 1) {
      this.#top = this.previous(position - 1) + 1;
      this.#tail = Math.max(this.#fixed, this.#top);
    }
  }

  #addChunk(number: number): Chunk {
    const chunk = this.#spare ?? new Array(CHUNK).fill(undefined);
    this.#spare = undefined;
    this.#directory[number & this.#mask] = chunk;
    this.#chunks++;
    return chunk;
  }

  #makeSpace(): void {
    const isSparse = this.#chunks * CHUNK > 4 * this.#live + 4 * CHUNK;
    const isLong = this.#tail - this.#head > 64 * this.#live + 2 ** 20;
    if (isSparse || isLong || this.#tail >= LAST_POSITION) this.#renumber();
    else if ((this.#tail >> CHUNK_BITS) - (this.#head >> CHUNK_BITS) > this.#mask) this.#widen();
  }

  /** Doubles the directory; no record moves. */
  #widen(): void {
    const directory: (Chunk | undefined)[] = new Array(this.#directory.length * 2).fill(undefined);
    const counts = new Int32Array(directory.length);
    const last = (this.#tail - 1) >> CHUNK_BITS;
    for (let number = this.#head >> CHUNK_BITS; number <= last; number++) {
      directory[number & (directory.length - 1)] = this.#directory[number & this.#mask];
      counts[number & (directory.length - 1)] = this.#counts[number & this.#mask]!;
    }
    this.#directory = directory;
    this.#counts = counts;
    this.#mask = directory.length - 1;
  }

  #renumber(): void {
    const [records, positions] = this.#collect();
    const wanted = 2 * Math.ceil((records.length + 1) / CHUNK);
    const length = 2 ** Math.max(4, Math.ceil(Math.log2(wanted)));
    const fixed = this.#fixed;
    this.#directory = new Array(length).fill(undefined);
    this.#counts = new Int32Array(length);
    this.#mask = length - 1;
    this.#chunks = 0;
    this.#head = this.#top = this.#tail = this.#fixed = this.#live = 0;
    for (const record of records) {
      if ((this.#tail & (CHUNK - 1)) === 0) this.#addChunk(this.#tail >> CHUNK_BITS);
      this.append(record);
    }
    const renumber = (position: number) => countBelow(positions, position);
    this.#fixed = renumber(fixed);
    this.#onRenumber?.(renumber);
  }

  /** The records in order, and their positions: where a mark moves to is how many of these lie below it. */
  #collect(): [StoredRecord[], Int32Array] {
    const records: StoredRecord[] = [];
    const positions = new Int32Array(this.#live);
    for (let at = this.next(this.#head); at < this.#top; at = this.next(at + 1)) {
      positions[records.length] = at;
      records.push(this.at(at)!);
    }
    return [records, positions];
  }
}

function countBelow(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
