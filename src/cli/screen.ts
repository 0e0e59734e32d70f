import type { OutStream } from './terminal.ts';

const ERASE_LINE = '\x1b[2K';
const UP = '\x1b[1A';

/** Messages, and below them a few lines that are drawn anew in place where there is a terminal. */
export class Screen {
  readonly #stream: OutStream;
  #drawn: readonly string[] = [];

  constructor(stream: OutStream) {
    this.#stream = stream;
  }

  /** Replaces the lines at the bottom; they must not be wider than the terminal. */
  draw(lines: readonly string[]): void {
    this.#stream.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines;
  }

  /** Writes above the lines at the bottom. */
  say(text: string): void {
    const drawn = this.#drawn;
    this.erase();
    this.#stream.write(`${text}\n`);
    if (drawn.length > 0) this.draw(drawn);
  }

  erase(): void {
    if (this.#drawn.length > 0) this.#stream.write(this.#erasure());
    this.#drawn = [];
  }

  #erasure(): string {
    return `${UP}${ERASE_LINE}`.repeat(this.#drawn.length);
  }
}
