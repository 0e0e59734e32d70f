/**
 * Listens to a body that somebody else reads: hands over its first bytes, once, when so many have come, or all there
 * are when it ends before. Nobody waits for it, and nothing is held back.
 */
export class Beginning {
  readonly #maxBytes: number;
  readonly #tell: (bytes: Uint8Array) => void;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #isTold = false;

  constructor(maxBytes: number, tell: (bytes: Uint8Array) => void) {
    this.#maxBytes = maxBytes;
    this.#tell = tell;
  }

  /** More of the body. The bytes are copied: their memory is the reader's. */
  add(bytes: Uint8Array): void {
    if (this.#isTold) return;
    const piece = bytes.slice(0, this.#maxBytes - this.#size);
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size >= this.#maxBytes) this.end();
  }

  /** No more comes. */
  end(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#tell(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
  }
}
