import type { Socket } from 'node:net';

export interface PipeFaults {
  delayMs: number;
  isStalled: boolean;
  bytesPerSecond: number | null;
}

interface Piece {
  /** `null`: the sender has ended. */
  readonly bytes: Buffer | null;
  readonly dueAt: number;
}

/** What waits on its way before the sender is no longer read from. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** With a limit, bytes go on in portions of this much time. */
const PORTION_MS = 20;

/** One direction of a connection: passes bytes on in their order, as late and as slowly as its faults say. */
export class FaultyPipe {
  /** Sees each chunk as it is passed on; what it ends is not passed on. */
  onChunk: ((bytes: Buffer) => void) | undefined;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: PipeFaults;
  readonly #passed: (bytes: number) => void;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** With a limit: when the next portion may go. */
  #freeAt = 0;

  constructor(from: Socket, to: Socket, faults: PipeFaults, passed: (bytes: number) => void) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    this.#passed = passed;
    from.on('data', (bytes: Buffer) => this.#add(bytes));
    from.on('end', () => this.#add(null));
    to.on('drain', () => this.#pass());
  }

  /** The faults are others now. */
  changed(): void {
    this.#pass();
  }

  /** Forgets what is on its way. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #add(bytes: Buffer | null): void {
    this.#waiting.push({ bytes, dueAt: performance.now() + this.#faults.delayMs });
    this.#waitingBytes += bytes?.length ?? 0;
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#from.pause();
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    while (this.#waiting.length > 0 && !this.#faults.isStalled && !this.#to.writableNeedDrain) {
      const piece = this.#waiting[0]!;
      const waitMs = Math.max(piece.dueAt, this.#freeAt) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pass(), Math.ceil(waitMs));
        return;
      }
      this.#waiting.shift();
      if (piece.bytes === null) this.#to.end();
      else this.#passOn(this.#portion(piece.bytes, piece.dueAt));
    }
  }

  /** As much as the limit lets through now; the rest goes back to the head of what waits. */
  #portion(bytes: Buffer, dueAt: number): Buffer {
    const { bytesPerSecond } = this.#faults;
    if (bytesPerSecond === null) return bytes;
    const size = Math.max(1, Math.floor((bytesPerSecond * PORTION_MS) / 1000));
    const portion = bytes.subarray(0, size);
    if (bytes.length > size) this.#waiting.unshift({ bytes: bytes.subarray(size), dueAt });
    this.#freeAt = performance.now() + (portion.length / bytesPerSecond) * 1000;
    return portion;
  }

  #passOn(bytes: Buffer): void {
    this.#waitingBytes -= bytes.length;
    if (this.#waitingBytes <= MAX_WAITING_BYTES) this.#from.resume();
    this.onChunk?.(bytes);
    if (this.#to.destroyed) return;
    this.#passed(bytes.length);
    this.#to.write(bytes);
  }
}
