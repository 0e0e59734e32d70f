import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { expect } from 'vitest';
import { uniqueName } from '../servers/index.ts';
import { countLines, readResults, type Started, startTroupe, temporaryFolder, writeList } from './troupe.ts';

/** A queue of its own, a store that the processes share, and lists of its own, for one test. */
export class QueueScene implements AsyncDisposable {
  readonly queue: string;
  readonly store: string;
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  readonly #started: Started[] = [];

  private constructor(queue: string, store: string, folder: Awaited<ReturnType<typeof temporaryFolder>>) {
    this.queue = queue;
    this.store = store;
    this.#folder = folder;
  }

  /** With users in that Redis too, or in a file. */
  static async on(redisUrl: string, users: 'redis' | 'sqlite' = 'redis'): Promise<QueueScene> {
    const folder = await temporaryFolder();
    const store =
      users === 'redis' ? `${redisUrl}?pool=${uniqueName()}` : `sqlite:${folder.path('users.db')}`;
    return new QueueScene(`${redisUrl}?queue=${uniqueName()}`, store, folder);
  }

  path(name: string): string {
    return this.#folder.path(name);
  }

  /** Starts a worker. */
  work(...args: string[]): Started {
    return this.#start(['work', '--queue', this.queue, '--store', this.store, ...args]);
  }

  /** Starts `troupe fetch` for a list, with an output of the same name. */
  async fetch(name: string, urls: readonly string[], ...args: string[]): Promise<Started> {
    const list = await writeList(this.path(`${name}.txt`), urls);
    return this.#start(['fetch', '-i', list, '-o', this.output(name), '--queue', this.queue, ...args]);
  }

  /** Starts another command on the queue. */
  command(...args: string[]): Started {
    return this.#start([...args, '--queue', this.queue]);
  }

  output(name: string): string {
    return this.path(`${name}.jsonl`);
  }

  /** Until the output has so many lines. */
  async untilLines(name: string, atLeast: number): Promise<void> {
    await until(async () => (await countLines(this.output(name))) >= atLeast);
  }

  /** That the output holds each of the URLs as often as the list does, and all of them good. */
  async expectAll(name: string, urls: readonly string[]): Promise<void> {
    const results = await readResults(this.output(name));
    expect(results.map(({ url }) => url).sort()).toEqual([...urls].sort());
    expect(results.filter(({ verdict, error }) => verdict !== 'ok' || error !== null)).toEqual([]);
  }

  /** Who fetched the URLs of the output, and how many each. */
  async workers(name: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { worker = 'none' } of await readResults(this.output(name))) {
      counts.set(worker, (counts.get(worker) ?? 0) + 1);
    }
    return counts;
  }

  /** The name of a key of BullMQ's. */
  jobKey(name: string): string {
    return `bull:${new URL(this.queue).searchParams.get('queue')}:${name}`;
  }

  async redis<T>(task: (client: ReturnType<typeof createClient>) => Promise<T>): Promise<T> {
    const client = createClient({ url: this.queue.split('?')[0]! });
    client.on('error', () => {});
    await client.connect();
    try {
      return await task(client as ReturnType<typeof createClient>);
    } finally {
      client.destroy();
    }
  }

  /** URLs that workers have in hand. */
  inWork(): Promise<number> {
    return this.redis((client) => client.lLen(this.jobKey('active')));
  }

  /** URLs of which the queue knows anything. */
  async keptJobs(): Promise<number> {
    const keys = await this.redis((client) => client.keys(this.jobKey('*-*')));
    return keys.filter((key) => !key.endsWith('stalled-check')).length;
  }

  #start(args: readonly string[]): Started {
    const started = startTroupe(args);
    this.#started.push(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#started) child.kill('SIGKILL');
    await Promise.all(this.#started.map(({ ended }) => ended));
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Polls; tests that run beside each other cannot use `expect.poll`. */
export async function until(isSo: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`still not so after ${timeoutMs} ms: ${isSo}`);
    await sleep(20);
  }
}
