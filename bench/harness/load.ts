import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { type Latency, latency, median } from '../stats.ts';

/** What one process did. */
export interface LoadRun {
  readonly pairs: number;
  readonly perSecond: number;
  /** Of single calls (a lease, a release), not of pairs. */
  readonly latency: Latency;
  /** The longest time the event loop could do nothing else. */
  readonly stallMs: number;
}

export interface LoadParams {
  readonly concurrent: number;
  readonly warmUpMs: number;
  readonly ms: number;
}

/** One lease and its release; it hands the duration of each call to `took`. */
export type Pair = (took: (ms: number) => void) => Promise<void>;

/** Does pairs, so many at a time, for so long. `pairs` counts all of them, those of the warm-up included. */
export async function runLoad(pair: Pair, { concurrent, warmUpMs, ms }: LoadParams): Promise<LoadRun> {
  let pairs = 0;
  let measured = 0;
  let isMeasuring = false;
  const durations: number[] = [];
  const took = (duration: number) => {
    if (isMeasuring) durations.push(duration);
  };
  let until = Number.POSITIVE_INFINITY;
  const worker = async () => {
    while (performance.now() < until) {
      await pair(took);
      pairs++;
      if (isMeasuring) measured++;
    }
  };
  const workers = Promise.all(Array.from({ length: concurrent }, worker));
  await Promise.race([workers, setTimeout(warmUpMs)]);
  const stall = await watchStalls();
  isMeasuring = true;
  const start = performance.now();
  until = start + ms;
  await workers;
  const elapsed = performance.now() - start;
  return {
    pairs,
    perSecond: (measured * 1_000) / elapsed,
    latency: latency(durations),
    stallMs: await stall(),
  };
}

/** What all processes of one run did together. */
export interface Together {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly stallMs: number;
  readonly pairs: number;
}

export function together(runs: readonly LoadRun[]): Together {
  return {
    perSecond: runs.reduce((sum, run) => sum + run.perSecond, 0),
    p50: median(runs.map((run) => run.latency.p50)),
    // Of the process that fared worst.
    p99: Math.max(...runs.map((run) => run.latency.p99)),
    stallMs: Math.max(...runs.map((run) => run.stallMs)),
    pairs: runs.reduce((sum, run) => sum + run.pairs, 0),
  };
}

const RESOLUTION_MS = 1;

/** Watches the event loop from now on; what it returns ends that, and answers the longest time it could do nothing else. */
export async function watchStalls(): Promise<() => Promise<number>> {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  // Its first turn only sets the mark that it measures from; the last one comes after the end of what is watched.
  await setTimeout(5 * RESOLUTION_MS);
  return async () => {
    await setTimeout(5 * RESOLUTION_MS);
    delay.disable();
    return Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
  };
}

/** Times a call. */
export async function timed<T>(took: (ms: number) => void, call: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await call();
  took(performance.now() - start);
  return result;
}
