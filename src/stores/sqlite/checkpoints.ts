import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

/** From this size on the log is written back into the file: 32 MiB, some 16 000 pages. Less costs more rounds in which writers wait. */
const WAL_BYTES = 32 * 1024 * 1024;
/** How often the size is looked at while there are writes. */
const LOOK_MS = 20;

/**
 * The thread's program. As text, so that it also runs from a bundle, where there is no file beside this one.
 * First what can be done beside the writers; then the rest, which keeps them off for a moment, so that the log
 * starts anew: under steady load it would otherwise only grow. What another process did, or is at, is left to it.
 *
 * The length is asked of the file system and not read from the shared memory: to close a file of our own would
 * drop the locks that SQLite holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
const PROGRAM = `
const { statSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const { DatabaseSync } = require('node:sqlite');
const { path, bytes, synchronous } = workerData;
const db = new DatabaseSync(path, { timeout: 0 });
db.exec('PRAGMA synchronous = ' + synchronous);
const beside = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
const alone = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
const isLong = () => statSync(path + '-wal', { throwIfNoEntry: false })?.size >= bytes;
parentPort.on('message', (message) => {
  if (message === 'close') {
    db.close();
    parentPort.close();
    return;
  }
  try {
    if (isLong() && !beside.get().busy && isLong()) alone.get();
  } catch (error) {
    if ((error.errcode & 0xff) !== 5 && (error.errcode & 0xff) !== 6) throw error;
  }
  parentPort.postMessage('done');
});
`;

/**
 * Writes the log back into the file from a thread of its own. SQLite would do it inside some commit, on the event
 * loop, and wait there for the disk: 5 to 15 ms mostly, but 170 to 310 ms were measured when the disk was busy.
 * Writers meet a lock instead, for which they wait without blocking.
 */
export class Checkpoints {
  readonly #path: string;
  readonly #synchronous: string;
  readonly #onFailure: () => void;
  #worker: Worker | undefined;
  #isBusy = false;
  #isFailed = false;
  #lookedAt = 0;

  /** `onFailure`: there can be no thread here (or it failed); the connection must do it after all. */
  constructor(path: string, synchronous: string, onFailure: () => void) {
    this.#path = path;
    this.#synchronous = synchronous;
    this.#onFailure = onFailure;
  }

  /** To be called after each commit; costs next to nothing. */
  afterCommit(): void {
    const now = performance.now();
    if (this.#isBusy || this.#isFailed || now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    this.#isBusy = true;
    void this.#look();
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#isFailed = true;
    if (worker === undefined) return;
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
      worker.once('error', () => resolve());
      worker.ref();
      worker.postMessage('close');
    });
  }

  async #look(): Promise<void> {
    const size = await stat(`${this.#path}-wal`).then(
      (wal) => wal.size,
      () => 0,
    );
    if (size < WAL_BYTES || this.#isFailed) {
      this.#isBusy = false;
      return;
    }
    try {
      this.#worker ??= this.#start();
      this.#worker.postMessage('write back');
    } catch {
      this.#fail();
    }
  }

  #start(): Worker {
    const workerData = { path: this.#path, synchronous: this.#synchronous, bytes: WAL_BYTES };
    const worker = new Worker(PROGRAM, { eval: true, workerData, name: 'troupe-checkpoints' });
    worker.on('message', () => {
      this.#isBusy = false;
    });
    worker.on('error', () => this.#fail());
    // Last: a listener for its messages counts as something to stay alive for.
    worker.unref();
    return worker;
  }

  #fail(): void {
    if (this.#isFailed) return;
    this.#isFailed = true;
    this.#worker = undefined;
    this.#onFailure();
  }
}
