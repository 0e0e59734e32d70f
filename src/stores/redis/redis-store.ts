import type { Clock } from '../../internal/clock.ts';
import { checkOptions, clock, fail } from '../../internal/options.ts';
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
import {
  leaseArguments,
  leaseKey,
  type Release,
  releaseArguments,
  rewriteArguments,
  sessionArguments,
  shownHolder,
} from './arguments.ts';
import type { RedisClient, RedisCluster } from './client.ts';
import { Connection } from './connection.ts';
import { Gathered } from './gathered.ts';
import { DEFAULT_POOL, keysOf, poolName } from './keys.ts';
import { toLeaseResult, toListed } from './replies.ts';
import { scripts } from './scripts.ts';
import { StoreTime } from './store-time.ts';
import { newToken } from './tokens.ts';
import { readUrl } from './url.ts';
import { Watchers } from './watchers.ts';

export type { RedisClient, RedisCluster, RedisConnection } from './client.ts';

/** Sessions that one script adds: some milliseconds. */
const ADD_STEP = 1000;
/** Sessions that one script carries an order to, removes or prunes: one or two milliseconds. */
const STEP = 50;
/** Sessions that one page shows at most, with their bodies. */
const LIST_MOST = 100;
/** Records that one page looks at: a state may be rare. */
const LIST_LOOK = 400;
/** Leases, or releases, that one script carries out: a fraction of a millisecond. */
const MOST_GATHERED = 32;

const RELEASED: readonly ReleaseResult[] = ['lost', 'released', 'ordered'];
const NOT_CREATED = { 0: 'lost', 2: 'duplicate', 3: 'tag-full' } as const;

/** Where a Redis store lives: a `url`, or a `client` of yours. */
export interface RedisStoreOptions {
  /**
   * `redis://[user:password@]host[:port][/database][?pool=NAME]`, or `rediss:` for TLS. The store opens a connection of
   * its own, with the package `redis`.
   */
  url?: string;
  /**
   * A connected client of yours, made by `createClient` or `createCluster` of the package `redis`. The store leaves it open;
   * it makes one more connection, by `duplicate()`, once somebody waits for a session. A pool lies on one shard of a Cluster.
   */
  client?: RedisClient | RedisCluster;
  /**
   * The name of the pool on the server, at most 100 characters. Those who give the same name share their sessions. Its keys
   * all begin with `troupe:{NAME}:`.
   * @default 'troupe'
   */
  pool?: string;
  /**
   * For tests: instead of the server's clock. All who share the pool must have the same.
   * @default the server's clock
   */
  clock?: Clock;
}

/** A {@link SessionStore} on Redis or Valkey, shared by all machines that reach it; as durable as the server is configured. */
export interface RedisStore extends SessionStore {
  /** The pool's name on the server. */
  readonly pool: string;
  /** Connects now, and so finds out whether the server can be used; the first call does it otherwise. */
  open(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Keeps sessions in Redis 6.2 or later, or Valkey. A server that cannot be used (too old, evicting, wrong password, data of
 * a newer troupe) is refused with `STORE_UNUSABLE` and left as it is; one that is away fails calls with
 * `STORE_UNAVAILABLE` within seconds, until it is back.
 *
 * @example
 * const store = redisStore({ url: 'redis://localhost:6379', pool: 'shop' });
 * @throws OptionError
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  return new RedisSessionStore(options);
}

class RedisSessionStore implements RedisStore {
  readonly capabilities: StoreCapabilities = {
    durable: true,
    shared: 'network',
    wakeUps: true,
    bodies: 'text',
  };
  readonly pool: string;
  /** In what this store publishes, so that it does not wake itself. */
  readonly #name = newToken().slice(0, 8);
  readonly #time: StoreTime;
  readonly #connection: Connection;
  readonly #watchers: Watchers;
  readonly #leases = new Gathered<LeaseRequest, LeaseResult>(MOST_GATHERED, (requests) =>
    this.#leaseSome(requests),
  );
  readonly #releases = new Gathered<Release, ReleaseResult>(MOST_GATHERED, (items) =>
    this.#releaseSome(items),
  );

  constructor(options: RedisStoreOptions) {
    checkOptions(options, { url: anUrl, client: aClient, pool: poolName, clock });
    if ((options?.url === undefined) === (options?.client === undefined)) {
      fail('url', 'given, or else "client", and not both', options?.url);
    }
    const at = options.url === undefined ? undefined : readUrl(options.url);
    this.pool = options.pool ?? at?.pool ?? DEFAULT_POOL;
    const keys = keysOf(this.pool);
    this.#time = new StoreTime(options.clock);
    const where = at?.where ?? 'the Redis server';
    this.#connection = new Connection({ url: at?.url, client: options.client, keys, where });
    this.#watchers = new Watchers({
      channel: keys[0]!,
      ownName: this.#name,
      connect: () => this.#connection.duplicate(),
      tellWaiting: () => this.#connection.run(scripts.waiting, [this.#time.argument()]),
    });
  }

  open(): Promise<void> {
    return this.#connection.open();
  }

  lease(request: LeaseRequest): Promise<LeaseResult> {
    return this.#leases.add(leaseKey(request), request);
  }

  /** `requests`: of those who ask for the same. */
  async #leaseSome(requests: readonly LeaseRequest[]): Promise<LeaseResult[]> {
    const [request] = requests;
    const holder = shownHolder(request!);
    const tokens = requests.map(newToken);
    const args = [this.#time.argument(requests.length), ...leaseArguments(request!), ...tokens];
    const toResults = (replies: unknown) =>
      // Out of the client's own array: it keeps answers within reach for long, with every body, and each collection of garbage
      // would copy them.
      (replies as unknown[]).splice(0).map((reply, at) => toLeaseResult(reply, tokens[at]!, holder));
    const replies = await this.#connection.run(scripts.lease, args, (late) => {
      // Nobody knows of these any more: they go back as they were.
      for (const result of toResults(late)) {
        if (result.kind === 'leased' || result.kind === 'vacant')
          this.release(result.lease, null).catch(() => {});
      }
    });
    return toResults(replies);
  }

  async create(place: Lease, session: NewSession): Promise<CreateResult> {
    checkTextBody(session.body ?? null);
    const token = newToken();
    const args = [this.#time.argument(), place.token, token, ...sessionArguments(session)];
    const created = await this.#connection.run(scripts.create, args);
    if (created === 1) return { kind: 'created', lease: { id: session.id, token, fence: 1 } };
    return { kind: NOT_CREATED[created as keyof typeof NOT_CREATED] };
  }

  async release(lease: Lease, change: ReleaseChange | null, isRepeat = false): Promise<ReleaseResult> {
    checkTextBody(change?.body);
    return this.#releases.add('', { lease, change, isRepeat });
  }

  async #releaseSome(items: readonly Release[]): Promise<ReleaseResult[]> {
    const args = [this.#time.argument(items.length), this.#name];
    for (const item of items) args.push(...releaseArguments(item));
    const replies = (await this.#connection.run(scripts.release, args)) as number[];
    return replies.map((reply) => RELEASED[reply]!);
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewOutcome[]> {
    for (const { body } of renewals) checkTextBody(body);
    return Promise.all(renewals.map((renewal) => this.#renewOne(renewal)));
  }

  async #renewOne({ lease, leaseMs, body }: Renewal): Promise<RenewOutcome> {
    const args = [this.#time.argument(), lease.id, lease.token, String(lease.fence), String(leaseMs)];
    if (body !== undefined) args.push(body as string);
    const reply = await this.#connection.run(scripts.renew, args);
    if (typeof reply === 'string') return { kind: 'held', order: JSON.parse(reply) as Order };
    return { kind: reply === 1 ? 'held' : 'lost' };
  }

  async order(target: OrderTarget, order: Order): Promise<number> {
    const text = JSON.stringify(order);
    const step = async (tag: string, after: string, ids: readonly string[]) => {
      const args = [this.#time.argument(STEP), this.#name, text, tag, after, String(STEP), ...ids];
      return (await this.#connection.run(scripts.order, args)) as [number, string];
    };
    let reached = 0;
    if ('ids' in target) {
      const ids = [...new Set(target.ids)];
      for (const part of parts(ids, STEP)) reached += (await step('', '', part))[0];
      return reached;
    }
    let after = '';
    do {
      const [some, next] = await step(`=${target.tag}`, after, []);
      reached += some;
      after = next;
    } while (after !== '');
    return reached;
  }

  async add(sessions: readonly NewSession[], limit?: number): Promise<AddResult> {
    for (const { body } of sessions) checkTextBody(body ?? null);
    const added: string[] = [];
    for (const part of parts(sessions, ADD_STEP)) {
      const result = await this.#addPart(part, limit);
      if (result.kind !== 'added') {
        // So many are too much for one step, and what was done is undone.
        await this.remove(added);
        return result;
      }
      added.push(...part.map(({ id }) => id));
    }
    return { kind: 'added' };
  }

  async #addPart(sessions: readonly NewSession[], limit: number | undefined): Promise<AddResult> {
    for (;;) {
      const args = [
        this.#time.argument(sessions.length),
        this.#name,
        limit === undefined ? '' : String(limit),
      ];
      const reply = await this.#connection.run(scripts.add, args.concat(...sessions.map(sessionArguments)));
      if (typeof reply === 'string') {
        return { kind: reply.startsWith('d') ? 'duplicate' : 'tag-full', id: reply.slice(1) };
      }
      if (reply !== 2) return { kind: reply === 1 ? 'added' : 'full' };
    }
  }

  async document(name: string): Promise<StoredDocument | undefined> {
    const stored = (await this.#connection.command(['HGET', keysOf(this.pool)[1]!, `D${name}`])) as
      | string
      | null;
    if (stored === null) return undefined;
    const colon = stored.indexOf(':');
    return { value: stored.slice(colon + 1), version: Number(stored.slice(0, colon)) };
  }

  async putDocument(name: string, value: string, ifVersion: number): Promise<number | undefined> {
    const args = [this.#time.argument(), name, value, String(ifVersion)];
    const version = (await this.#connection.run(scripts.putDocument, args)) as number;
    return version === 0 ? undefined : version;
  }

  async get(id: string): Promise<ListedSession | undefined> {
    const reply = await this.#connection.run(scripts.get, [this.#time.argument(), id]);
    if (reply === null) return undefined;
    const [view, body] = reply as [string, string];
    return toListed(view, body);
  }

  async list(page: ListPage): Promise<ListResult> {
    const limit = Math.min(Math.max(Math.floor(page.limit), 1), LIST_MOST);
    const args = [
      this.#time.argument(),
      page.after ?? '',
      String(limit),
      page.state ?? '',
      String(LIST_LOOK),
    ];
    const [now, next, ...shown] = (await this.#connection.run(scripts.list, args)) as string[];
    const sessions: ListedSession[] = [];
    for (let at = 0; at < shown.length; at += 2) sessions.push(toListed(shown[at]!, shown[at + 1]!));
    const result = { sessions, now: Number(now) };
    return next === '' ? result : { ...result, next: next! };
  }

  async remove(ids: readonly string[]): Promise<number> {
    let removed = 0;
    for (const part of parts(ids, STEP)) {
      const args = [this.#time.argument(), this.#name, ...part];
      removed += (await this.#connection.run(scripts.remove, args)) as number;
    }
    return removed;
  }

  async count(): Promise<StoreCounts> {
    return JSON.parse((await this.#connection.run(scripts.count, [this.#time.argument()])) as string);
  }

  async rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    for (const { body } of rewrites) checkTextBody(body);
    let written = 0;
    for (const part of parts(rewrites, STEP)) {
      const args = [this.#time.argument(), ...part.flatMap(rewriteArguments)];
      written += (await this.#connection.run(scripts.rewrite, args)) as number;
    }
    return written;
  }

  async prune({ olderThanMs, keepAtMost, limit }: PruneRequest): Promise<PruneResult> {
    const most = String(Math.min(limit, STEP));
    const args = [this.#time.argument(), String(olderThanMs), String(keepAtMost), most];
    const [removed, more] = (await this.#connection.run(scripts.prune, args)) as [number, number];
    return { removed, more: more === 1 };
  }

  watch(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  async close(): Promise<void> {
    this.#leases.flush();
    this.#releases.flush();
    await Promise.all([this.#watchers.close(), this.#connection.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function* parts<T>(items: readonly T[], size: number): Iterable<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

function anUrl(value: unknown, path: string): void {
  if (typeof value !== 'string') fail(path, 'a URL such as "redis://localhost:6379"', value);
  readUrl(value, path);
}

function aClient(value: unknown, path: string): void {
  const given = value as Partial<RedisClient> | null;
  const isClient = typeof given?.sendCommand === 'function' && typeof given.duplicate === 'function';
  if (!isClient) fail(path, 'a client made by createClient of the package "redis"', value);
}
