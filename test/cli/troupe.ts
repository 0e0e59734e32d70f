import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FetchResult } from '../../src/cli/fetch/result.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** How the command line ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
}

/** Starts `troupe` as a process of its own. */
export function startTroupe(
  args: readonly string[],
  input?: string,
  env: Record<string, string> = {},
  script = main,
): Started {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Nothing of the developer's own.
    env: { ...process.env, TROUPE_STORE: '', TROUPE_QUEUE: '', TROUPE_KEY: undefined, ...env },
  });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.stderr += text;
  });
  child.stdin.on('error', () => {});
  if (input !== undefined) child.stdin.end(input);
  const end = once(child, 'close').then(([code]) => ({ ...ended, code: code as number | null }));
  return { child, ended: end };
}

/** Runs `troupe` to its end. */
export function troupe(args: readonly string[], input = ''): Promise<Ended> {
  return startTroupe(args, input).ended;
}

/** Runs another copy of `troupe` to its end. */
export function runScript(script: string, args: readonly string[]): Promise<Ended> {
  return startTroupe(args, '', {}, script).ended;
}

/** An empty folder, removed at the end of the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path(name: string): string }> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-cli-'));
  return {
    path: (name) => join(folder, name),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Results by their URL's path, from JSON lines. */
export function resultsOf(text: string): FetchResult[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FetchResult);
}

export async function readResults(path: string): Promise<FetchResult[]> {
  return resultsOf(await readFile(path, 'utf8'));
}

export async function writeList(path: string, lines: readonly string[]): Promise<string> {
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

/** Lines of an output as far as they have come. */
export async function countLines(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}
