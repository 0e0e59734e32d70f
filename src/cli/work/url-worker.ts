import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import type { SessionPool } from '../../index.ts';
import type { BodyFiles } from '../fetch/body-files.ts';
import type { FetchRequest } from '../fetch/request-line.ts';
import { type FetchResult, resultOf } from '../fetch/result.ts';
import type { Interruption } from '../interruption.ts';
import { isAway, persist } from '../queue/persist.ts';
import { KEEP_WORKER } from '../queue/scripts.ts';
import { readJob } from '../queue/url-job.ts';
import type { UrlQueue } from '../queue/url-queue.ts';
import { fetchJob } from './fetch-job.ts';

/** A URL is its worker's for that long without a word from it; then another does it. */
const LOCK_MS = 10_000;
const RENEW_MS = LOCK_MS / 4;
/** How often the workers, together, look for URLs whose worker is gone: twice, and one is taken from it. */
const LOOK_MS = 3_000;
/** Workers that a URL may cost: lost by one more, it is given up. */
const MAX_LOST = 3;
const BEAT_MS = 2_000;
const PRESENT_MS = 3 * BEAT_MS;
/** Seconds that one wait for a URL lasts. */
const WAIT_S = 1;
/** What is in hand may take that long when the worker is stopped. */
const GRACE_MS = 5_000;

/** A URL in hand. `lost` aborts when it is somebody else's. */
interface Taken {
  readonly job: Job;
  readonly token: string;
  readonly lost: AbortController;
}

export interface UrlWorkerMeans {
  readonly queue: UrlQueue;
  readonly pool: SessionPool;
  readonly bodies: BodyFiles | undefined;
  /** URLs in hand at once. */
  readonly concurrency: number;
  readonly end: Interruption;
  /** A URL is done, and the queue has its result. */
  onDone(result: FetchResult): void;
  /** A URL went back to the queue. */
  onReturned(): void;
}

/** Takes URLs from a queue, fetches them, and puts what became of them there, until it is stopped. */
export class UrlWorker {
  readonly #means: UrlWorkerMeans;
  readonly #name = `${hostname()}:${process.pid}`;
  #worker: Worker | undefined;
  readonly #inHand = new Map<string, Taken>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #cutOff = new AbortController();
  #graceTimer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #taken = 0;

  constructor(means: UrlWorkerMeans) {
    this.#means = means;
  }

  /** Works until {@link stop}; what is in hand then is done, or given back. Rejects where no URL can be done. */
  async run(): Promise<void> {
    const { bullmq, client, place } = this.#means.queue;
    const worker = new bullmq.Worker(place.name, null, {
      connection: client as never,
      lockDuration: LOCK_MS,
      stalledInterval: LOOK_MS,
      maxStalledCount: MAX_LOST,
      drainDelay: WAIT_S,
    });
    // Told by the connection's own events, and by the calls that fail.
    worker.on('error', () => {});
    this.#worker = worker;
    const timers = [
      setInterval(() => void this.#renew(worker).catch(() => {}), RENEW_MS),
      setInterval(() => void this.#beat(PRESENT_MS).catch(() => {}), BEAT_MS),
    ];
    try {
      await persist(() => this.#beat(PRESENT_MS), this.#means.end.signal);
      await worker.startStalledCheckTimer();
      while (!this.#isStopped) await this.#takeOne(worker);
      await Promise.all(this.#tasks);
    } finally {
      for (const timer of timers) clearInterval(timer);
      clearTimeout(this.#graceTimer);
      await this.#beat(0).catch(() => {});
      await worker.close(true).catch(() => {});
    }
  }

  /** Takes nothing more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#graceTimer = setTimeout(() => this.#cutOff.abort(), GRACE_MS);
    // Ends a wait for the next URL.
    this.#worker
      ?.getBackend()
      .disconnectBlocking(false)
      .catch(() => {});
  }

  async #takeOne(worker: Worker): Promise<void> {
    while (this.#tasks.size >= this.#means.concurrency) await Promise.race(this.#tasks);
    if (this.#isStopped) return;
    const token = `${worker.id}:${this.#taken++}`;
    try {
      const job = await worker.getNextJob(token, { block: true });
      if (job?.id) this.#begin(job.id, { job, token, lost: new AbortController() });
    } catch (error) {
      if (!isAway(error)) throw error;
      await sleep(500);
    }
  }

  #begin(id: string, taken: Taken): void {
    this.#inHand.set(id, taken);
    const task = this.#do(taken)
      // A store that is gone, a disk that is full: another worker may fare better, this one does not.
      .catch(async (error: unknown) => {
        this.#means.end.fail(error);
        await this.#giveBack(taken).catch(() => {});
      })
      .finally(() => {
        if (this.#inHand.get(id) === taken) this.#inHand.delete(id);
        this.#tasks.delete(task);
      });
    this.#tasks.add(task);
  }

  async #do(taken: Taken): Promise<void> {
    const { job } = taken;
    const { request, terms } = readJob(job.data);
    if (job.deferredFailure) return this.#finish(taken, givenUp(request, job));
    if (this.#isStopped) return this.#giveBack(taken);
    const { pool, bodies, end } = this.#means;
    const signal = AbortSignal.any([end.signal, this.#cutOff.signal, taken.lost.signal]);
    const ending = await fetchJob(request, terms, {
      pool,
      bodies,
      signal,
      isStopped: () => this.#isStopped,
    });
    if (taken.lost.signal.aborted) return;
    await (ending ? this.#finish(taken, resultOf(request, ending)) : this.#giveBack(taken));
  }

  /** The result is recorded only if the URL is still ours: who lost it to another cannot record it twice. */
  async #finish({ job, token }: Taken, result: FetchResult): Promise<void> {
    const { error, ...rest } = result;
    const told: FetchResult = { ...rest, worker: this.#name, error };
    const isOurs = await settled(() => job.moveToCompleted(told, token, false), this.#means.end.signal);
    if (isOurs) this.#means.onDone(result);
  }

  async #giveBack({ job, token }: Taken): Promise<void> {
    if (await settled(() => job.moveToWait(token), this.#means.end.signal)) this.#means.onReturned();
  }

  /** Keeps what is in hand; what is somebody else's is let go. */
  async #renew(worker: Worker): Promise<void> {
    const ids = [...this.#inHand.keys()];
    if (ids.length === 0) return;
    const before = ids.map((id) => this.#inHand.get(id)!);
    const tokens = before.map(({ token }) => token);
    const lost = await worker.extendJobLocks(ids, tokens, LOCK_MS);
    for (const taken of before) if (lost.includes(taken.job.id!)) taken.lost.abort();
  }

  async #beat(presentMs: number): Promise<void> {
    await this.#means.queue.run(KEEP_WORKER, ['workers'], [this.#name, presentMs]);
  }
}

/** Whether the queue took it; `false` where the URL is somebody else's by now. */
async function settled(task: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  try {
    await persist(task, signal);
    return true;
  } catch (error) {
    // BullMQ's codes of a lock that is gone, of a job that is, and of one that is no longer in work.
    const isLost = typeof (error as { code?: unknown }).code === 'number';
    // Given up after the grace: its lock runs out by itself.
    if (isLost || (signal.aborted && isAway(error))) return false;
    throw error;
  }
}

function givenUp(request: FetchRequest, job: Job): FetchResult {
  const error = `WORKER_LOST: ${job.stalledCounter} workers were gone before it was done`;
  return { ...resultOf(request, { info: undefined, ms: 0 }), error };
}
