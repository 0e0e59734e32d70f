import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../errors.ts';
import type { Checkpoints } from './checkpoints.ts';
import { Hints } from './hints.ts';
import { isBusy, toStoreError } from './sqlite-errors.ts';
import { Statements } from './statements.ts';
import type { StoreTime } from './store-time.ts';
import { Work } from './work.ts';

/** A transaction takes no more calls after this long, and gives the event loop a turn. */
const MAX_TRANSACTION_MS = 8;
/** How long a call waits for other processes' writes before it fails with STORE_BUSY. */
const MAX_WAIT_MS = 10_000;

interface Call {
  run(work: Work): unknown;
  /** It runs in a transaction of its own: it takes long, or failed together with others. */
  isAlone: boolean;
  readonly since: number;
  resolve(value: never): void;
  reject(error: Error): void;
}

/** A call that takes long yields now and then; its transaction stays open while the event loop has its turn. */
export type LongWork<T> = Generator<undefined, T>;

/**
 * Gathers the calls of one turn of the event loop into one transaction, and settles them after its commit: a
 * commit costs as much as several calls.
 *
 * Never blocks for a lock. SQLite's own busy timeout sleeps on the event loop and grows unfair under load (3.3 s
 * stalls with 8 processes); a short, jittered wait outside SQLite does not.
 */
export class TickQueue {
  readonly #path: string;
  readonly #openFile: () => DatabaseSync;
  readonly #time: StoreTime;
  readonly #checkpoints: Checkpoints;
  readonly #hints = new Hints();
  #db: DatabaseSync | undefined;
  #sql: Statements | undefined;
  #calls: Call[] = [];
  #isScheduled = false;
  #isClosed = false;
  #whenIdle: (() => void) | undefined;

  constructor(path: string, openFile: () => DatabaseSync, time: StoreTime, checkpoints: Checkpoints) {
    this.#path = path;
    this.#openFile = openFile;
    this.#time = time;
    this.#checkpoints = checkpoints;
  }

  /** Runs the call in this turn's transaction. */
  run<T>(run: (work: Work) => T): Promise<T> {
    return this.#add(run, false);
  }

  /** Runs the call in one transaction of its own, atomic however long it takes. */
  runLong<T>(run: (work: Work) => LongWork<T>): Promise<T> {
    return this.#add(run, true) as Promise<unknown> as Promise<T>;
  }

  /** Writes the log back from within commits, where that cannot be done elsewhere. */
  checkpointByItself(): void {
    if (this.#db?.isOpen) this.#db.exec('PRAGMA wal_autocheckpoint = 1000');
  }

  /** Changes when another connection has written; undefined until the file is open. */
  dataVersion(): number | undefined {
    return this.#sql?.get('PRAGMA data_version')?.[0] as number | undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#isScheduled) {
      await new Promise<void>((resolve) => {
        const before = this.#whenIdle;
        this.#whenIdle = () => {
          before?.();
          resolve();
        };
      });
    }
    await this.#checkpoints.close();
    const db = this.#db;
    this.#db = undefined;
    this.#sql = undefined;
    // The last connection to close writes the log back into the file.
    if (db?.isOpen) db.close();
  }

  #add<T>(run: (work: Work) => T, isAlone: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) {
        reject(new StoreError('STORE_CLOSED', `the store ${this.#path} is closed; open a new one`));
        return;
      }
      this.#calls.push({ run, isAlone, since: performance.now(), resolve, reject });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(this.#flush);
    });
  }

  readonly #flush = (): void => {
    const sql = this.#begin();
    if (sql === undefined) return;
    const work = new Work(sql, this.#time, this.#hints);
    const first = this.#calls[0]!;
    if (first.isAlone) void this.#runAlone(first, work);
    else this.#runTogether(work);
  };

  /** The statements, with a transaction begun; undefined if it could not be, and all that follows is arranged. */
  #begin(): Statements | undefined {
    try {
      this.#db ??= this.#openFile();
      this.#sql ??= new Statements(this.#db);
      this.#sql.run('BEGIN IMMEDIATE');
      return this.#sql;
    } catch (error) {
      if (isBusy(error)) {
        this.#waitForLock(error);
      } else {
        const calls = this.#calls;
        this.#calls = [];
        for (const call of calls) call.reject(toStoreError(error, this.#path));
        this.#next();
      }
      return undefined;
    }
  }

  #waitForLock(cause: unknown): void {
    const now = performance.now();
    const late = this.#calls.filter((call) => now - call.since > MAX_WAIT_MS);
    if (late.length > 0) {
      this.#calls = this.#calls.filter((call) => !late.includes(call));
      const message = `the store file ${this.#path} was locked by other writers for ${MAX_WAIT_MS} ms; nothing was written, try again`;
      for (const call of late) call.reject(new StoreError('STORE_BUSY', message, { cause }));
    }
    if (this.#calls.length === 0) this.#next();
    else setTimeout(this.#flush, 0.5 + Math.random() * 3.5);
  }

  #runTogether(work: Work): void {
    const values: unknown[] = [];
    const calls = this.#calls;
    const start = performance.now();
    try {
      for (const call of calls) {
        if (call.isAlone) break;
        values.push(call.run(work));
        if (performance.now() - start > MAX_TRANSACTION_MS) break;
      }
      this.#commit(work);
    } catch (error) {
      // One of them cannot be done. All are undone, and each gets a transaction of its own.
      this.#rollback();
      const failed = calls.slice(0, values.length + 1);
      if (failed.length === 1) this.#settle(failed, [], toStoreError(error, this.#path));
      for (const call of failed) call.isAlone = true;
      this.#next();
      return;
    }
    this.#settle(calls.slice(0, values.length), values);
    this.#next();
  }

  async #runAlone(call: Call, work: Work): Promise<void> {
    try {
      const value = call.run(work);
      const result = isLong(value) ? await runInTurns(value) : value;
      this.#commit(work);
      this.#settle([call], [result]);
    } catch (error) {
      this.#rollback();
      this.#settle([call], [], toStoreError(error, this.#path));
    }
    this.#next();
  }

  #commit(work: Work): void {
    work.counters.write();
    work.sql.run('COMMIT');
    this.#checkpoints.afterCommit();
  }

  #rollback(): void {
    if (this.#db?.isTransaction) this.#db.exec('ROLLBACK');
    // They may tell of what has just been undone.
    this.#hints.forget();
  }

  #settle(calls: readonly Call[], values: readonly unknown[], error?: Error): void {
    this.#calls = this.#calls.slice(calls.length);
    calls.forEach((call, index) => {
      if (error) call.reject(error);
      else call.resolve(values[index] as never);
    });
  }

  #next(): void {
    if (this.#calls.length > 0) {
      setImmediate(this.#flush);
      return;
    }
    this.#isScheduled = false;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }
}

function isLong(value: unknown): value is LongWork<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;
}

async function runInTurns<T>(work: LongWork<T>): Promise<T> {
  let start = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() - start < MAX_TRANSACTION_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    start = performance.now();
  }
}
