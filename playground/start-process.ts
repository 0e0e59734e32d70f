import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LedgerSnapshot, LedgerSummary } from './ledger.ts';
import { type PlaygroundOptions, resolveOptions } from './options.ts';

/** A playground in a process of its own, so that it does not take the time of the code under measurement. */
export interface PlaygroundProcess extends AsyncDisposable {
  /** Its origin, without a slash at the end. */
  readonly url: string;
  /** The whole ledger. */
  ledger(): Promise<LedgerSnapshot>;
  /** The totals of the ledger alone; cheap enough to poll. */
  summary(): Promise<LedgerSummary>;
  /** Empties the ledger and the memory of flaky pages; cookies, limits and bans stay. */
  reset(): Promise<void>;
  /** Stops the process and waits for its end. May be called twice. */
  close(): Promise<void>;
}

// A process that has not ended by then hangs.
const closeTimeoutMs = 5_000;

/** Starts a playground in a child process. The child also ends by itself when this process does, however it ends. */
export async function startPlaygroundProcess(options?: PlaygroundOptions): Promise<PlaygroundProcess> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--options', JSON.stringify(resolveOptions(options))], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const url = await waitForUrl(child);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stop(child);
    return closing;
  };
  return {
    url,
    ledger: async () => (await (await fetch(`${url}/__ledger`)).json()) as LedgerSnapshot,
    summary: async () => (await (await fetch(`${url}/__ledger/summary`)).json()) as LedgerSummary,
    reset: async () => void (await fetch(`${url}/__reset`, { method: 'POST' })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function waitForUrl(child: ChildProcess): Promise<string> {
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`the playground ended with ${code}: ${complaint.trim()}`)),
    );
    child.once('message', (message: { url: string }) => resolve(message.url));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), closeTimeoutMs);
  await ended;
  clearTimeout(timer);
}
