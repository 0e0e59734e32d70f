import { setTimeout as sleep } from 'node:timers/promises';
import { type SessionStore, StoreError } from '../../src/index.ts';
import type { Lease } from '../../src/stores/store.ts';

/** What becomes of a call: it does not reach the store, its answer gets lost, or it hangs until the store is well. */
export type Fault = 'not sent' | 'answer lost' | 'hangs' | { lateMs: number };

type Call = keyof FaultyStore['calls'];

/** A real store behind a connection that is as bad as the test says. It counts what was asked of it. */
export class FaultyStore implements SessionStore {
  readonly capabilities: SessionStore['capabilities'];
  readonly calls = { lease: 0, create: 0, release: 0, renew: 0, count: 0 };
  readonly #store: SessionStore;
  readonly #released = new Set<string>();
  #faults: Partial<Record<Call | 'all', { fault: Fault; times: number }>> = {};
  #well = Promise.withResolvers<void>();
  #listeners = new Set<() => void>();
  /** Wake-ups do not come through. */
  isDeaf = false;

  constructor(store: SessionStore, capabilities: Partial<SessionStore['capabilities']> = {}) {
    this.#store = store;
    this.capabilities = { ...store.capabilities, shared: 'network', ...capabilities };
  }

  /** From now on, so many times. */
  fail(fault: Fault, call: Call | 'all' = 'all', times = Number.POSITIVE_INFINITY): void {
    this.#faults[call] = { fault, times };
  }

  /** The server is back, and answers what it was asked meanwhile. */
  heal(): void {
    this.#faults = {};
    this.#well.resolve();
    this.#well = Promise.withResolvers();
  }

  /** As the store's own wake-up, so many times. */
  wake(times = 1): void {
    for (let i = 0; i < times; i++) for (const listener of this.#listeners) listener();
  }

  lease: SessionStore['lease'] = (request) => this.#call('lease', () => this.#store.lease(request));
  create: SessionStore['create'] = (place, session) =>
    this.#call('create', () => this.#store.create(place, session));
  renew: SessionStore['renew'] = (renewals) => this.#call('renew', () => this.#store.renew(renewals));
  count: SessionStore['count'] = () => this.#call('count', () => this.#store.count());
  order: SessionStore['order'] = (target, order) => this.#call('all', () => this.#store.order(target, order));
  add: SessionStore['add'] = (sessions, limit) => this.#call('all', () => this.#store.add(sessions, limit));
  document: SessionStore['document'] = (name) => this.#call('all', () => this.#store.document(name));
  putDocument: SessionStore['putDocument'] = (name, value, version) =>
    this.#call('all', () => this.#store.putDocument(name, value, version));
  get: SessionStore['get'] = (id) => this.#call('all', () => this.#store.get(id));
  list: SessionStore['list'] = (page) => this.#call('all', () => this.#store.list(page));
  remove: SessionStore['remove'] = (ids) => this.#call('all', () => this.#store.remove(ids));
  prune: SessionStore['prune'] = (request) => this.#call('all', () => this.#store.prune(request));

  /** As the contract wants it of stores whose answers can be lost: a repeat of what was done is done. */
  release: SessionStore['release'] = (lease, change, isRepeat = false) =>
    this.#call('release', async () => {
      const key = keyOf(lease);
      if (isRepeat && this.#released.has(key)) return 'released';
      const result = await this.#store.release(lease, change);
      if (result === 'released') this.#released.add(key);
      return result;
    });

  watch(listener: () => void): () => void {
    const heard = () => {
      if (!this.isDeaf) listener();
    };
    this.#listeners.add(heard);
    const stop = this.#store.watch?.(heard);
    return () => {
      this.#listeners.delete(heard);
      stop?.();
    };
  }

  close(): Promise<void> {
    return Promise.resolve(this.#store.close());
  }

  async #call<T>(name: Call | 'all', call: () => T): Promise<Awaited<T>> {
    if (name !== 'all') this.calls[name] += 1;
    const planned = this.#faults[name] ?? this.#faults.all;
    const fault = planned && planned.times-- > 0 ? planned.fault : undefined;
    if (fault === 'not sent') throw new StoreError('STORE_UNAVAILABLE', 'the connection was refused');
    if (fault === 'hangs') await this.#well.promise;
    const result = await call();
    if (fault === 'answer lost') throw new StoreError('STORE_UNAVAILABLE', 'the connection was reset');
    if (typeof fault === 'object') await sleep(fault.lateMs);
    return result;
  }
}

function keyOf({ id, token, fence }: Lease): string {
  return `${id} ${token} ${fence}`;
}
