import type {
  AddResult,
  CreateResult,
  Lease,
  LeasedResult,
  LeaseRequest,
  LeaseResult,
  NewSession,
  Order,
  OrderTarget,
  ReleaseChange,
  ReleaseResult,
  Renewal,
  RenewOutcome,
  SessionStore,
  StoreCapabilities,
} from '../../src/stores/store.ts';
import type { Answer, Birth, Log, Request } from './log.ts';

/** A store that writes down what it is asked, before it asks the real one, and what it heard, before it tells. */
export class LoggedStore implements SessionStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: SessionStore;
  readonly #log: Log;
  /** Tokens of the places that were given out: what else a place is called is the store's own business. */
  readonly #places = new Set<string>();
  #calls = 0;

  readonly document: SessionStore['document'];
  readonly putDocument: SessionStore['putDocument'];
  readonly get: SessionStore['get'];
  readonly list: SessionStore['list'];
  readonly count: SessionStore['count'];
  readonly prune: SessionStore['prune'];
  readonly remove: SessionStore['remove'];
  readonly watch: SessionStore['watch'];
  readonly close: SessionStore['close'];

  constructor(store: SessionStore, log: Log) {
    this.#store = store;
    this.#log = log;
    this.capabilities = store.capabilities;
    this.document = store.document.bind(store);
    this.putDocument = store.putDocument.bind(store);
    this.get = store.get.bind(store);
    this.list = store.list.bind(store);
    this.count = store.count.bind(store);
    this.prune = store.prune.bind(store);
    this.remove = store.remove.bind(store);
    this.watch = store.watch?.bind(store);
    this.close = store.close.bind(store);
  }

  lease(request: LeaseRequest): Promise<LeaseResult> {
    const { leaseMs, id, site, limit } = request;
    return this.#call(
      { kind: 'lease', leaseMs, ...(id && { id }), ...(site && { site }), ...(limit && { limit }) },
      () => this.#store.lease(request),
      (result) => {
        if (result.kind === 'leased') return { kind: 'leased', lease: leasedOf(result) };
        if (result.kind !== 'vacant') return { kind: result.kind };
        this.#places.add(result.lease.token);
        return { kind: 'vacant', place: result.lease.token };
      },
    );
  }

  create(place: Lease, session: NewSession): Promise<CreateResult> {
    return this.#call(
      { kind: 'create', place: place.token, session: birthOf(session) },
      () => this.#store.create(place, session),
      (result) =>
        result.kind === 'created'
          ? { kind: 'created', fence: result.lease.fence }
          : { kind: 'not created', why: result.kind },
    );
  }

  release(lease: Lease, change: ReleaseChange | null, isRepeat?: boolean): Promise<ReleaseResult> {
    return this.#call(
      { kind: 'release', ...this.#named(lease), change: change && changeOf(change) },
      () => this.#store.release(lease, change, isRepeat),
      (result) => ({ kind: 'released', result }),
    );
  }

  renew(renewals: readonly Renewal[]): Promise<RenewOutcome[]> {
    const leases = renewals.map(({ lease }) => this.#named(lease));
    return this.#call(
      { kind: 'renew', leaseMs: renewals[0]?.leaseMs ?? 0, leases },
      () => this.#store.renew(renewals),
      (outcomes) => ({ kind: 'renewed', outcomes: outcomes.map(({ kind }) => kind) }),
    );
  }

  order(target: OrderTarget, order: Order): Promise<number> {
    const isRetirement = order.kind === 'retire' && 'ids' in target && target.ids.length === 1;
    if (!isRetirement) throw new Error('the checker knows only orders to retire one session');
    return this.#call(
      { kind: 'retire', id: target.ids[0]! },
      () => this.#store.order(target, order),
      (reached) => ({ kind: 'ordered', reached }),
    );
  }

  add(sessions: readonly NewSession[], limit?: number): Promise<AddResult> {
    return this.#call(
      { kind: 'add', sessions: sessions.map(birthOf) },
      () => this.#store.add(sessions, limit),
      ({ kind }) => ({ kind: 'added', isAdded: kind === 'added' }),
    );
  }

  #named({ id, token, fence }: Lease): { id: string; fence: number } {
    return { id: this.#places.has(token) ? token : id, fence };
  }

  async #call<T>(
    request: Request,
    ask: () => T | Promise<T>,
    answerOf: (result: Awaited<T>) => Answer,
  ): Promise<Awaited<T>> {
    const call = ++this.#calls;
    this.#log.write({ step: 'asked', call, request });
    try {
      const result = await ask();
      this.#log.write({ step: 'answered', call, answer: answerOf(result) });
      return result;
    } catch (error) {
      this.#log.write({ step: 'failed', call, code: codeOf(error) });
      throw error;
    }
  }
}

/** Its stable code, or what it says where it has none. */
export function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : String(error);
}

/** The mark that a holder leaves in the user data at its release: its fence. */
export function markOf(body: unknown): number {
  const { userData } = JSON.parse(body as string) as { userData?: { mark?: number } };
  return userData?.mark ?? 0;
}

function leasedOf({ session, lease, recovered, now }: LeasedResult) {
  const { id, usageCount, maxUsageCount, expiresAt, body } = session;
  const expiresInMs = expiresAt === null ? null : expiresAt - now;
  return { id, fence: lease.fence, usageCount, maxUsageCount, expiresInMs, recovered, mark: markOf(body) };
}

function birthOf({ id, usageCount, maxUsageCount, expiresInMs }: NewSession): Birth {
  return { id, usageCount, maxUsageCount, expiresInMs };
}

function changeOf({ usageCount, status, restMs = 0, blocks = [], body }: ReleaseChange) {
  return {
    ...{ usageCount, status, restMs },
    blocks: [...blocks],
    ...(body !== undefined && { mark: markOf(body) }),
  };
}
