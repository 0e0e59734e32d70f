import type { Clock } from '../../internal/clock.ts';
import { checkOptions, clock, fail, text } from '../../internal/options.ts';
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
import { checkIndexed, checkText } from './checks.ts';
import { Database } from './database.ts';
import { LeaseCalls } from './lease-calls.ts';
import * as members from './member-calls.ts';
import { giveOrder } from './order-calls.ts';
import { checkSchema, placeOf } from './place.ts';
import type { PostgresPool } from './postgres-driver.ts';
import { ReleaseCalls } from './release-calls.ts';
import * as views from './views.ts';
import { Work } from './work.ts';

export type { PostgresClient, PostgresPool, PostgresQuery } from './postgres-driver.ts';

/** Where a PostgreSQL store lives: either `url` or `pool` must be given. */
export interface PostgresStoreOptions {
  /**
   * `postgres://user:password@host:port/database`, with any parameter of `pg` (`?sslmode=verify-full`), and
   * `schema`, which the option of that name outweighs.
   */
  url?: string;
  /**
   * A `pg.Pool` of your own, to share its connections. It stays open when the store closes. The store keeps one of its
   * connections while somebody waits for a session, and uses up to four more at once: `max` should be 5 or more.
   */
  pool?: PostgresPool;
  /**
   * The schema for the tables, which belongs to troupe alone; one a pool. It is made if it is not there, for which the user
   * needs the right CREATE on the database. Letters, digits and underscores, at most 50.
   * @default 'troupe'
   */
  schema?: string;
  /**
   * For tests: instead of the server's clock. All who share the schema must have the same.
   * @default the server's clock
   */
  clock?: Clock;
}

/** A durable {@link SessionStore} in a PostgreSQL database, shared by all who reach it. */
export interface PostgresStore extends SessionStore {
  readonly schema: string;
  /** Connects now, and makes or migrates the schema where needed; the first call does it otherwise. */
  open(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Keeps sessions in PostgreSQL 13 or newer, with the package `pg`. An acknowledged release is as durable as the server makes
 * its commits (`synchronous_commit`). Statements are prepared and waiters listen, so a pooler in between must give each client a
 * connection of its own: PgBouncer in session mode, not in transaction mode.
 *
 * @example
 * const store = postgresStore({ url: 'postgres://troupe:secret@db.internal/crawl' });
 *
 * @throws OptionError for options that cannot be; what the server says to them comes with the first call, as a StoreError
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  return new PostgresSessionStore(options);
}

class PostgresSessionStore implements PostgresStore {
  readonly capabilities: StoreCapabilities = {
    durable: true,
    shared: 'network',
    wakeUps: true,
    bodies: 'text',
  };
  readonly schema: string;
  readonly #database: Database;
  readonly #work: Work;
  readonly #leases: LeaseCalls;
  readonly #releases: ReleaseCalls;

  constructor(options: PostgresStoreOptions) {
    checkOptions(options, { url: text, pool, schema: checkSchema, clock });
    const place = placeOf(options ?? {});
    this.schema = place.schema;
    this.#database = new Database(place);
    this.#work = new Work(this.#database, place.schema, options.clock);
    this.#leases = new LeaseCalls(this.#work);
    this.#releases = new ReleaseCalls(this.#work);
  }

  open(): Promise<void> {
    return this.#database.open();
  }

  async lease(request: LeaseRequest): Promise<LeaseResult> {
    if (request.site !== undefined) checkIndexed(request.site, 'site');
    checkText(request.holder, 'holder');
    return this.#leases.lease(request);
  }

  create(place: Lease, session: NewSession): Promise<CreateResult> {
    return members.create(this.#work, place, session);
  }

  release(lease: Lease, change: ReleaseChange | null, isRepeat = false): Promise<ReleaseResult> {
    return this.#releases.release(lease, change, isRepeat);
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewOutcome[]> {
    return this.#releases.renew(renewals);
  }

  order(target: OrderTarget, order: Order): Promise<number> {
    return giveOrder(this.#work, target, order);
  }

  add(sessions: readonly NewSession[], limit?: number): Promise<AddResult> {
    return members.add(this.#work, sessions, limit);
  }

  document(name: string): Promise<StoredDocument | undefined> {
    return views.document(this.#work, name);
  }

  putDocument(name: string, value: string, ifVersion: number): Promise<number | undefined> {
    return views.putDocument(this.#work, name, value, ifVersion);
  }

  get(id: string): Promise<ListedSession | undefined> {
    return views.get(this.#work, id);
  }

  list(page: ListPage): Promise<ListResult> {
    return views.list(this.#work, page);
  }

  remove(ids: readonly string[]): Promise<number> {
    return members.remove(this.#work, ids);
  }

  count(): Promise<StoreCounts> {
    return views.count(this.#work);
  }

  rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    return members.rewrite(this.#work, rewrites);
  }

  prune(request: PruneRequest): Promise<PruneResult> {
    return members.prune(this.#work, request);
  }

  watch(listener: () => void): () => void {
    return this.#work.waiters.add(listener);
  }

  async close(): Promise<void> {
    await this.#work.waiters.close();
    await this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function pool(value: unknown, path: string): void {
  if (typeof (value as Partial<PostgresPool> | null)?.connect !== 'function')
    fail(path, 'a pool of pg', value);
}
