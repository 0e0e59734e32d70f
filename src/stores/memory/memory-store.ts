import { StoreError } from '../../errors.ts';
import { type Clock, systemClock } from '../../internal/clock.ts';
import { anything, checkOptions } from '../../internal/options.ts';
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
  SessionStore,
  StoreCapabilities,
  StoreCounts,
  StoredDocument,
} from '../store.ts';
import { advance, isBehind, STEPS_PER_CALL, STEPS_PER_VIEW } from './advance.ts';
import { create, release, renew } from './holding.ts';
import { lease } from './lease.ts';
import { add, prune, remove } from './membership.ts';
import { carryOut } from './orders.ts';
import { MemoryState } from './state.ts';
import { count, list, view } from './views.ts';

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Where the time comes from; a program that replays recorded time hands in its own.
   * @default the system's clock
   */
  clock?: Clock;
}

/**
 * A store in this process's memory: the fastest, and gone when the process ends. Every call answers at once,
 * never with a promise. Bodies are live objects, handed over by reference.
 */
export function memoryStore(options?: MemoryStoreOptions): SessionStore {
  checkOptions(options, { clock: anything });
  return new MemoryStore(options?.clock ?? systemClock);
}

class MemoryStore implements SessionStore {
  readonly capabilities: StoreCapabilities = {
    durable: false,
    shared: 'process',
    wakeUps: false,
    bodies: 'live',
  };
  readonly #clock: Clock;
  #state = new MemoryState();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  lease(request: LeaseRequest): LeaseResult {
    this.#checkOpen();
    return lease(this.#state, request, this.#clock.now());
  }

  create(place: Lease, session: NewSession): CreateResult {
    return create(this.#state, place, session, this.#arrive(STEPS_PER_CALL));
  }

  release(lease: Lease, change: ReleaseChange | null): ReleaseResult {
    return release(this.#state, lease, change, this.#arrive(STEPS_PER_CALL));
  }

  renew(renewals: readonly Renewal[]): RenewOutcome[] {
    return renew(this.#state, renewals, this.#arrive(STEPS_PER_CALL));
  }

  order(target: OrderTarget, order: Order): number {
    return carryOut(this.#state, target, order, this.#arrive(STEPS_PER_VIEW));
  }

  add(sessions: readonly NewSession[], limit?: number): AddResult {
    return add(this.#state, sessions, limit, this.#arrive(STEPS_PER_VIEW));
  }

  document(name: string): StoredDocument | undefined {
    this.#checkOpen();
    return this.#state.documents.get(name);
  }

  putDocument(name: string, value: string, ifVersion: number): number | undefined {
    this.#checkOpen();
    const { documents } = this.#state;
    if ((documents.get(name)?.version ?? 0) !== ifVersion) return undefined;
    documents.set(name, Object.freeze({ value, version: ifVersion + 1 }));
    return ifVersion + 1;
  }

  get(id: string): ListedSession | undefined {
    const now = this.#arrive(STEPS_PER_VIEW);
    const record = this.#state.byId.get(id);
    return record && view(this.#state, record, now);
  }

  list(page: ListPage): ListResult {
    return list(this.#state, page, this.#arrive(STEPS_PER_VIEW));
  }

  remove(ids: readonly string[]): number {
    this.#checkOpen();
    return remove(this.#state, ids);
  }

  count(): StoreCounts {
    return count(this.#state, this.#arrive(STEPS_PER_VIEW));
  }

  prune(request: PruneRequest): PruneResult {
    return prune(this.#state, request, this.#arrive(STEPS_PER_CALL));
  }

  close(): void {
    this.#isClosed = true;
    // The sessions go even if somebody keeps the store.
    this.#state = new MemoryState();
  }

  /** The time of this call, with what has ended by then dealt with, at most so many steps of it. */
  #arrive(steps: number): number {
    this.#checkOpen();
    const now = this.#clock.now();
    if (isBehind(this.#state, now)) advance(this.#state, now, steps);
    return now;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', 'the store is closed; open a new one');
  }
}
