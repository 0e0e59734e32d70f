import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import { UsageError } from '../exit-codes.ts';
import { type Line, readLines } from './lines.ts';
import type { FetchRequest } from './request-line.ts';
import { RESULT_START } from './result.ts';

/** The requests that an output holds, counted: a URL that is listed twice is fetched twice. */
export class DoneRequests {
  readonly #counts = new Map<string, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(request: Pick<FetchRequest, 'url' | 'line'>): void {
    const key = keyOf(request);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#size += 1;
  }

  /** Whether the request is done; each that was done is taken once. */
  take(request: Pick<FetchRequest, 'url' | 'line'>): boolean {
    const key = keyOf(request);
    const count = this.#counts.get(key);
    if (count === undefined) return false;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
    return true;
  }
}

/** Short and of one size, since there may be millions. What is more than a URL is known by its line as well. */
function keyOf({ url, line }: Pick<FetchRequest, 'url' | 'line'>): string {
  return hash('sha256', line === null ? url : `${line} ${url}`, 'base64').slice(0, 16);
}

/**
 * Reads what an output holds, and cuts a last line that a crash left unfinished.
 * @throws UsageError for a file that is no output of ours; it is left as it was
 */
export async function readDone(path: string, options: { retryFailed: boolean }): Promise<DoneRequests> {
  const done = new DoneRequests();
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (info === undefined) return done;
  if (!info.isFile()) throw new UsageError(`--resume needs a regular file as the output; ${path} is none`);
  let torn: Line | undefined;
  for await (const line of readLines(createReadStream(path))) {
    if (!line.isEnded) torn = line;
    else if (line.text !== '') note(line, done, options.retryFailed, path);
  }
  if (torn) await cutOff(path, info.size, torn);
  return done;
}

function note(line: Line, done: DoneRequests, retryFailed: boolean, path: string): void {
  let result: { url?: unknown; line?: unknown; verdict?: unknown };
  try {
    result = JSON.parse(line.text) as typeof result;
  } catch {
    throw notOurs(path, line.number);
  }
  if (typeof result?.url !== 'string' || !('verdict' in result)) throw notOurs(path, line.number);
  if (retryFailed && result.verdict !== 'ok') return;
  done.add({ url: result.url, line: typeof result.line === 'number' ? result.line : null });
}

async function cutOff(path: string, size: number, torn: Line): Promise<void> {
  const start = torn.text.slice(0, RESULT_START.length);
  if (!RESULT_START.startsWith(start)) throw notOurs(path, torn.number);
  // A character that was torn apart decodes to others: the bytes are counted from the last line break.
  await truncate(path, await lastLineBreak(path, size));
}

/** The offset behind the last line break. */
async function lastLineBreak(path: string, size: number): Promise<number> {
  let offset = 0;
  let after = 0;
  for await (const chunk of createReadStream(path, { end: size - 1 }) as AsyncIterable<Buffer>) {
    const found = chunk.lastIndexOf(0x0a);
    if (found >= 0) after = offset + found + 1;
    offset += chunk.length;
  }
  return after;
}

function notOurs(path: string, line: number): UsageError {
  return new UsageError(
    `--resume: line ${line} of ${path} is no result of \`troupe fetch\`; the file was left as it is`,
  );
}
