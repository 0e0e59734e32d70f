import { resolve } from 'node:path';
import { type Clock, systemClock } from '../../internal/clock.ts';
import { checkOptions, clock, fail, oneOf, text } from '../../internal/options.ts';
import type {
  AddResult,
  CreateResult,
  Lease,
  LeaseRequest,
  LeaseResult,
  ListedSession,
  ListPage,
  ListResult,
  NewSession,
  Order,
  OrderTarget,
  PruneRequest,
  PruneResult,
  ReleaseChange,
  ReleaseResult,
  Renewal,
  RenewOutcome,
  Rewrite,
  SessionStore,
  StoreCapabilities,
  StoreCounts,
  StoredDocument,
} from '../store.ts';
import { checkTextBody } from '../text-body.ts';
import { Checkpoints } from './checkpoints.ts';
import { count } from './count.ts';
import { add, create } from './create.ts';
import { document, putDocument } from './documents.ts';
import { lease } from './lease.ts';
import { get, list } from './lists.ts';
import { openFile } from './open.ts';
import { type OrderStep, orderStep } from './orders.ts';
import { release } from './release.ts';
import { prune, REMOVE_STEP, remove } from './remove.ts';
import { renew } from './renew.ts';
import { REWRITE_STEP, rewrite } from './rewrite.ts';
import { scrub } from './scrub.ts';
import { StoreTime } from './store-time.ts';
import { TickQueue } from './tick.ts';
import { Watchers } from './watch.ts';

/** Where an SQLite store lives, and how sure its writes are. */
export interface SqliteStoreOptions {
  /** The file. It is made if it is not there (mode 0600); its folder must exist, on a local disk. */
  path: string;
  /**
   * `normal`: what was acknowledged survives the end of every process, but the last moments may be lost when
   * power fails. `full`: they survive that too; every commit then waits for the disk.
   * @default 'normal'
   */
  synchronous?: 'normal' | 'full';
  /**
   * Where time comes from. All who share the file must have the same.
   * @default the machine's clock
   */
  clock?: Clock;
}

/** A durable {@link SessionStore} in one file, shared by the processes of one machine. */
export interface SqliteStore extends SessionStore {
  /** The file, as an absolute path. */
  readonly path: string;
  /** Opens the file now, and so finds out whether it can be used; the first call does it otherwise. */
  open(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Keeps sessions in an SQLite file (`node:sqlite`, write-ahead log). A file that is damaged, foreign or from a
 * newer troupe is refused with `STORE_UNUSABLE` and left as it is.
 *
 * @example
 * const store = sqliteStore({ path: 'troupe.db' });
 */
export function sqliteStore(options: SqliteStoreOptions): SqliteStore {
  return new SqliteSessionStore(options);
}

class SqliteSessionStore implements SqliteStore {
  readonly capabilities: StoreCapabilities = {
    durable: true,
    shared: 'machine',
    wakeUps: true,
    bodies: 'text',
  };
  readonly path: string;
  readonly #queue: TickQueue;
  readonly #watchers: Watchers;

  constructor(options: SqliteStoreOptions) {
    checkOptions(options, { path: filePath, synchronous: oneOf('normal', 'full'), clock });
    filePath(options?.path, 'path');
    this.path = resolve(options.path);
    const synchronous = options.synchronous ?? 'normal';
    const time = new StoreTime(options.clock ?? systemClock);
    const checkpoints = new Checkpoints(this.path, synchronous, () => this.#queue.checkpointByItself());
    this.#queue = new TickQueue(this.path, () => openFile(this.path, synchronous), time, checkpoints);
    this.#watchers = new Watchers(() => this.#queue.dataVersion());
  }

  open(): Promise<void> {
    return this.#queue.run(() => {});
  }

  lease(request: LeaseRequest): Promise<LeaseResult> {
    return this.#queue.run((work) => lease(work, request));
  }

  async create(place: Lease, session: NewSession): Promise<CreateResult> {
    checkTextBody(session.body ?? null);
    return this.#queue.run((work) => create(work, place, session));
  }

  async release(held: Lease, change: ReleaseChange | null): Promise<ReleaseResult> {
    checkTextBody(change?.body);
    return this.#queue.run((work) => release(work, held, change));
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewOutcome[]> {
    for (const { body } of renewals) checkTextBody(body);
    return Promise.all(renewals.map((renewal) => this.#queue.run((work) => renew(work, renewal))));
  }

  async order(target: OrderTarget, order: Order): Promise<number> {
    let reached = 0;
    for (let from: number | undefined = 0; from !== undefined; ) {
      const start: number = from;
      const step: OrderStep = await this.#queue.run((work) => orderStep(work, target, order, start));
      reached += step.reached;
      from = step.next;
    }
    return reached;
  }

  async add(sessions: readonly NewSession[], limit?: number): Promise<AddResult> {
    for (const { body } of sessions) checkTextBody(body ?? null);
    return this.#queue.runLong((work) => add(work, sessions, limit));
  }

  document(name: string): Promise<StoredDocument | undefined> {
    return this.#queue.run((work) => document(work, name));
  }

  putDocument(name: string, value: string, ifVersion: number): Promise<number | undefined> {
    return this.#queue.run((work) => putDocument(work, name, value, ifVersion));
  }

  get(id: string): Promise<ListedSession | undefined> {
    return this.#queue.run((work) => get(work, id));
  }

  list(page: ListPage): Promise<ListResult> {
    return this.#queue.run((work) => list(work, page));
  }

  async remove(ids: readonly string[]): Promise<number> {
    let removed = 0;
    for (let from = 0; from < ids.length; from += REMOVE_STEP) {
      const part = ids.slice(from, from + REMOVE_STEP);
      removed += await this.#queue.run((work) => remove(work, part));
    }
    return removed;
  }

  count(): Promise<StoreCounts> {
    return this.#queue.run(count);
  }

  async rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    for (const { body } of rewrites) checkTextBody(body ?? null);
    let written = 0;
    for (let from = 0; from < rewrites.length; from += REWRITE_STEP) {
      const part = rewrites.slice(from, from + REWRITE_STEP);
      written += await this.#queue.run((work) => rewrite(work, part));
    }
    return written;
  }

  async scrub(): Promise<void> {
    // Not before the file is known to be ours.
    await this.open();
    scrub(this.path);
  }

  prune(request: PruneRequest): Promise<PruneResult> {
    return this.#queue.run((work) => prune(work, request));
  }

  watch(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  close(): Promise<void> {
    this.#watchers.stop();
    return this.#queue.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function filePath(value: unknown, path: string): void {
  text(value, path);
  if (String(value).includes('\0')) fail(path, 'a path without null characters', value);
  if (value === ':memory:') fail(path, 'a file; what need not last belongs into memoryStore()', value);
}
