import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assemble, type WorkerHistory } from './assemble.ts';
import type { WorkerEnd } from './history.ts';
import { type Line, readLog } from './log.ts';
import { startChild } from './start-child.ts';
import type { WorkerOptions } from './worker-options.ts';

const ENDS_WITHIN_MS = 15_000;

/** A worker process, and what became of it. */
export class Worker {
  readonly options: WorkerOptions;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #end: WorkerEnd['end'] = 'by itself';
  #complaint = '';

  constructor(options: WorkerOptions) {
    this.options = options;
    this.#child = startChild('worker.ts', [JSON.stringify(options)], ['pipe', 'ignore', 'pipe']);
    this.#child.stderr!.on('data', (chunk) => {
      this.#complaint = (this.#complaint + chunk).slice(-4000);
    });
    // It may be gone already when it is told something.
    this.#child.stdin!.on('error', () => {});
    this.#ended = once(this.#child, 'close');
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** It has begun to ask the store, or has ended. */
  get isAtWork(): boolean {
    const { log } = this.options;
    return !this.isRunning || (existsSync(log) && statSync(log).size > 0);
  }

  stop(): void {
    this.#child.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  skew(ms: number): void {
    this.#child.stdin!.write(`skew ${ms}\n`);
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return;
    this.#end = 'killed';
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Tells it to end, and waits until it has given everything back. */
  async end(): Promise<void> {
    if (!this.isRunning) return;
    this.#end = 'told';
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#end = 'had to be killed';
      this.#child.kill('SIGKILL');
    }, ENDS_WITHIN_MS);
    await this.#ended;
    clearTimeout(timer);
    if (this.#end === 'told' && this.#child.exitCode !== 0) this.#end = 'by itself';
  }

  history(): WorkerHistory {
    const { log, name } = this.options;
    return assemble(name, existsSync(log) ? readLog<Line>(log) : []);
  }

  told(history: WorkerHistory, faultsEndedAt: number): WorkerEnd {
    return {
      worker: this.options.name,
      end: this.#end,
      complaint: this.#complaint,
      unexpected: history.unexpected,
      startedAt: history.startedAt,
      firstReleaseAfterFaults: history.releasedAt.find((at) => at > faultsEndedAt),
    };
  }
}

/** The workers of one run: who is at work in each place, and who was. */
export class Crew {
  readonly all: Worker[] = [];
  readonly #atWork: (Worker | undefined)[] = [];
  readonly #optionsOf: (place: number) => Omit<WorkerOptions, 'name' | 'log'>;
  readonly #folder: string;

  constructor(folder: string, optionsOf: (place: number) => Omit<WorkerOptions, 'name' | 'log'>) {
    this.#folder = folder;
    this.#optionsOf = optionsOf;
  }

  /** Who is in a place; one who has ended by itself stays there, dead, until the end. */
  at(place: number): Worker | undefined {
    return this.#atWork[place];
  }

  /** Fills a place. Who comes later into the same place does something else than who was there before. */
  start(place: number): void {
    const before = this.all.filter(({ options }) => options.name.startsWith(`${place}.`)).length;
    const name = `${place}.${before}`;
    const options = this.#optionsOf(place);
    const log = join(this.#folder, `worker-${name}.log`);
    const worker = new Worker({ ...options, name, log, seed: options.seed + before * 100 });
    this.#atWork[place] = worker;
    this.all.push(worker);
  }

  async kill(place: number): Promise<void> {
    const worker = this.#atWork[place];
    this.#atWork[place] = undefined;
    await worker?.kill();
  }

  async end(): Promise<void> {
    await Promise.all(this.#atWork.map((worker) => worker?.end()));
  }

  async killAll(): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.kill()));
  }
}
