import { TroupeError } from '../../errors.ts';

/** Calls that one statement carries. */
const MAX_TOGETHER = 128;

/**
 * Gathers the calls of one turn, and those that come while a statement is under way, into one statement: it costs as much
 * as several calls. A call that is alone is sent at once.
 */
export class Gathering<Call extends Waiting<never>> {
  readonly #run: (calls: Call[]) => Promise<void>;
  readonly #fits: (first: Call, other: Call) => boolean;
  #calls: Call[] = [];
  #isScheduled = false;
  #isRunning = false;

  /** `run` settles the calls, or rejects for all of them. `fits`: whether two may share a statement. */
  constructor(
    run: (calls: Call[]) => Promise<void>,
    fits: (first: Call, other: Call) => boolean = () => true,
  ) {
    this.#run = run;
    this.#fits = fits;
  }

  add(call: Call): void {
    this.#calls.push(call);
    if (this.#isScheduled || this.#isRunning) return;
    this.#isScheduled = true;
    // After what is on its way in this turn: those who were served together come back together.
    process.nextTick(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isScheduled = false;
    void this.#runAll();
  };

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    while (this.#calls.length > 0) await this.#runSome(this.#take());
    this.#isRunning = false;
  }

  /** What cannot be done fails alone: those that came with it are carried out without it. */
  async #runSome(calls: Call[]): Promise<void> {
    try {
      await this.#run(calls);
    } catch (error) {
      const isOfOne = error instanceof TroupeError && error.code === 'STORE_UNUSABLE' && calls.length > 1;
      if (isOfOne) for (const call of calls) await this.#runSome([call]);
      else for (const call of calls) call.reject(error);
    }
  }

  #take(): Call[] {
    const first = this.#calls[0]!;
    const taken: Call[] = [];
    const left: Call[] = [];
    for (const call of this.#calls) {
      if (taken.length < MAX_TOGETHER && this.#fits(first, call)) taken.push(call);
      else left.push(call);
    }
    this.#calls = left;
    return taken;
  }
}

/** What a caller waits for. */
export interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}
