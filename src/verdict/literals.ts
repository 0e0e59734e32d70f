/** A literal that was found, by its index, and where it begins. */
export interface LiteralHit {
  readonly literal: number;
  readonly at: number;
}

/** The last bytes of the window that decide how far to go on. */
const BLOCK = 3;
/** Small enough to stay in the processor's nearest cache beside the page. */
const TABLE_SIZE = 1 << 13;
/** A page full of one literal must not cost more than one without: a block page has its marks once or twice. */
const MAX_HITS_EACH = 2;

const NONE: number[] = [];

/**
 * Finds many literals in one pass over bytes, by the algorithm of Wu and Manber (1994): the window is as long as the
 * shortest literal, and where its last three bytes are in none of them it moves on by nearly its length. 64 KB take
 * some 30 µs however many literals there are, a search for each of two dozen some 300 µs.
 */
export class LiteralSearch {
  readonly #literals: readonly Buffer[];
  readonly #window: number;
  /** How far the window may move on, by the hash of its last block. */
  readonly #shifts: Uint8Array;
  /** Literals whose window ends with that block, by its hash. */
  readonly #endings: number[][] = Array.from({ length: TABLE_SIZE }, () => NONE);

  /** @param literals of one byte a character, three or more of them; the shortest decides the speed */
  constructor(literals: readonly string[]) {
    this.#literals = literals.map((literal) => Buffer.from(literal, 'latin1'));
    this.#window = Math.min(255, ...literals.map(({ length }) => length));
    this.#shifts = new Uint8Array(TABLE_SIZE).fill(this.#window - BLOCK + 1);
    for (const [index, bytes] of this.#literals.entries()) this.#add(index, bytes);
  }

  /** Every place of every literal, in the order of the bytes; the first {@link MAX_HITS_EACH} of each. */
  find(bytes: Uint8Array): LiteralHit[] {
    const hits: LiteralHit[] = [];
    const counts = new Uint8Array(this.#literals.length);
    const shifts = this.#shifts;
    const { length } = bytes;
    let last = this.#window - 1;
    while (last < length) {
      const block = hash(bytes[last - 2]!, bytes[last - 1]!, bytes[last]!);
      const shift = shifts[block]!;
      if (shift === 0) {
        for (const literal of this.#endings[block]!) {
          if (counts[literal] === MAX_HITS_EACH) continue;
          const at = last - this.#window + 1;
          if (!startsWith(bytes, at, this.#literals[literal]!)) continue;
          counts[literal]! += 1;
          hits.push({ literal, at });
        }
        last += 1;
      } else last += shift;
    }
    return hits;
  }

  #add(index: number, bytes: Uint8Array): void {
    for (let end = BLOCK - 1; end < this.#window; end++) {
      const block = hash(bytes[end - 2]!, bytes[end - 1]!, bytes[end]!);
      const shift = this.#window - 1 - end;
      this.#shifts[block] = Math.min(this.#shifts[block]!, shift);
      if (shift > 0) continue;
      this.#endings[block] = [...this.#endings[block]!, index];
    }
  }
}

function hash(a: number, b: number, c: number): number {
  return ((a << 6) ^ (b << 3) ^ c) & (TABLE_SIZE - 1);
}

function startsWith(bytes: Uint8Array, at: number, literal: Uint8Array): boolean {
  if (at + literal.length > bytes.length) return false;
  for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return false;
  return true;
}
