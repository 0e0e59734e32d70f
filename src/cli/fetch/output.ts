import { type FileHandle, open, stat } from 'node:fs/promises';
import { UsageError } from '../exit-codes.ts';
import type { OutStream } from '../terminal.ts';

/** Where the results go, line by line. */
export interface Output {
  /** Resolves when the line is out of this process: what was acknowledged survives its end, however it ends. */
  write(line: string): Promise<void>;
  close(): Promise<void>;
}

/** Appends lines to a file; those that come while a write is under way go out together with the next. */
class FileOutput implements Output {
  readonly #file: FileHandle;
  #waiting: string[] = [];
  #next: Promise<void> | undefined;
  #current: Promise<void> = Promise.resolve();

  constructor(file: FileHandle) {
    this.#file = file;
  }

  write(line: string): Promise<void> {
    this.#waiting.push(line);
    if (!this.#next) {
      this.#next = this.#current.then(() => this.#flush());
      this.#current = this.#next;
    }
    return this.#next;
  }

  #flush(): Promise<void> {
    const text = this.#waiting.map((line) => `${line}\n`).join('');
    this.#waiting = [];
    this.#next = undefined;
    return this.#file.appendFile(text);
  }

  async close(): Promise<void> {
    await this.#current.catch(() => {});
    await this.#file.close();
  }
}

class StreamOutput implements Output {
  readonly #print: (text: string) => Promise<void>;

  constructor(print: (text: string) => Promise<void>) {
    this.#print = print;
  }

  write(line: string): Promise<void> {
    return this.#print(`${line}\n`);
  }

  async close(): Promise<void> {}
}

/**
 * Opens the output; what a file holds stays, unless with `overwrite`. {@link requireFree} comes first.
 * @param print writes to standard output, for `-`
 */
export async function openOutput(
  path: string,
  mode: 'new' | 'resume' | 'overwrite',
  print: (text: string) => Promise<void>,
): Promise<Output> {
  if (path === '-') return new StreamOutput(print);
  const file = await open(path, mode === 'overwrite' ? 'w' : 'a', 0o666);
  return new FileOutput(file);
}

/** A file that holds something is not written over, unless told so. @throws UsageError */
export async function requireFree(path: string, mode: 'new' | 'resume' | 'overwrite'): Promise<void> {
  if (path === '-' || mode !== 'new') return;
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!info || info.size === 0) return;
  throw new UsageError(`${path} holds something already: --resume goes on with it, --overwrite begins anew`);
}

/** Writes to a stream; resolves when it is written, rejects when nobody can read it any more. */
export function writeTo(stream: OutStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
