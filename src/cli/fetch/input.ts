import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { UsageError } from '../exit-codes.ts';
import { readLines } from './lines.ts';
import { BadLine, type FetchRequest, parseLine, parseUrl } from './request-line.ts';

/** What is to be fetched: URLs of the command line, then those of a file or of standard input. */
export class FetchInput {
  readonly #urls: readonly FetchRequest[];
  readonly #path: string | undefined;
  readonly #stream: Readable | undefined;
  #isClosed = false;

  private constructor(urls: readonly FetchRequest[], path: string | undefined, stream: Readable | undefined) {
    this.#urls = urls;
    this.#path = path;
    this.#stream = stream;
    // Told where it is read; a stream that is never read must not end the process.
    stream?.on('error', () => {});
  }

  /** Opens the list, so that a file that is not there is told before anything is made. @throws UsageError */
  static async open(urls: readonly string[], path: string | undefined, stdin: Readable): Promise<FetchInput> {
    const requests = urls.map(readArgument);
    if (path === undefined || path === '-')
      return new FetchInput(requests, path, path === '-' ? stdin : undefined);
    return new FetchInput(requests, path, (await open(path)).createReadStream());
  }

  /** The requests one after another, read as they are asked for; who is not understood goes to `onBadLine`. */
  async *requests(
    onBadLine: (line: number, why: string) => void,
  ): AsyncGenerator<FetchRequest, void, undefined> {
    yield* this.#urls;
    if (!this.#stream) return;
    try {
      for await (const { number, text, isTooLong } of readLines(this.#stream)) {
        try {
          if (isTooLong) throw new BadLine('too long');
          const request = parseLine(text, number);
          if (request) yield request;
        } catch (error) {
          if (!(error instanceof BadLine)) throw error;
          onBadLine(number, error.message);
        }
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  /** How many there are, bad lines included; `undefined` where only reading them would tell (a pipe). */
  async count(): Promise<number | undefined> {
    if (this.#path === undefined) return this.#urls.length;
    if (this.#path === '-' || !(await stat(this.#path)).isFile()) return undefined;
    let count = this.#urls.length;
    const stream = createReadStream(this.#path);
    for await (const { text } of readLines(stream)) {
      if (this.#isClosed) return undefined;
      if (/^\s*[^\s#]/.test(text)) count += 1;
    }
    return count;
  }

  /** Nobody reads on: a standard input that stays open would keep the process waiting. */
  close(): void {
    this.#isClosed = true;
    this.#stream?.destroy();
  }
}

function readArgument(text: string): FetchRequest {
  try {
    return parseUrl(text, null);
  } catch (error) {
    if (!(error instanceof BadLine)) throw error;
    const guess = /^[\w.-]+\.[a-z]{2,}(?:[:/?#]|$)/i.test(text) ? ` (https://${text}?)` : '';
    throw new UsageError(`an argument is ${error.message}${guess}`);
  }
}
