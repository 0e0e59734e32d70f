import type { MaybePromise } from '../internal/maybe-promise.ts';

/**
 * The seam between a pool and where its sessions live.
 *
 * A store keeps columns it needs to choose a session (due, expiry, uses, site blocks) and a body that it never
 * looks into. It knows no health rules and no other store. Only durations go in: the store adds its own clock,
 * so that a worker whose clock is off breaks nothing. Instants come out in the store's clock, with its `now`.
 *
 * Any call may answer at once or with a promise. The invariants that every store must hold are proven by
 * `storeContract` in `troupe/testing`; docs/stores.md explains them.
 */
export interface SessionStore {
  readonly capabilities: StoreCapabilities;

  /**
   * Leases one session, reserves a place for a new one, or says that there is none. Atomic across all who share
   * the store. Looks at no more than {@link MAX_LOOKED_AT} records; `again` means: not done looking, call again.
   */
  lease(request: LeaseRequest): MaybePromise<LeaseResult>;
  /**
   * Turns a reserved place into a session, durably; it stays leased, by the lease that comes back. A place whose
   * lease ran out is `lost`. An id or key that a living session has is `duplicate`, and more living sessions with its
   * tag than its `tagLimit` allows are `tag-full`; the place then stays reserved.
   */
  create(place: Lease, session: NewSession): MaybePromise<CreateResult>;
  /**
   * Gives a session back in one durable step. `null` gives it back as it was, uncounted; for a reserved place it
   * frees the place. A lease that is over by the store's clock writes nothing and answers `lost`, even if nobody took
   * the session since. An order that waited for the holder is carried out after the change.
   *
   * `isRepeat`: it was asked before and no answer came (`STORE_UNAVAILABLE`). If that one was carried out, this writes
   * nothing and answers `released`, unless somebody else had the session since: then it may be `lost`. A store whose
   * answers cannot be lost on the way need not look at it.
   */
  release(lease: Lease, change: ReleaseChange | null, isRepeat?: boolean): MaybePromise<ReleaseResult>;
  /** Extends leases and saves what is given of their bodies. Answers one outcome each, in the same order. */
  renew(renewals: readonly Renewal[]): MaybePromise<RenewOutcome[]>;
  /**
   * An order from someone who is not the holder. Free sessions obey at once; leased ones are flagged, `renew`
   * tells their holder and `release` obeys. Answers how many living (for `revive`: dead) sessions it reached. An order
   * to rest never shortens a rest or a ban. An order to many may be carried out in several steps.
   */
  order(target: OrderTarget, order: Order): MaybePromise<number>;
  /**
   * Adds sessions, unleased and ready. All or nothing: a duplicate, more than `limit` living and places, or more of a tag
   * than a session's `tagLimit` adds none.
   * The id of a dead session may be used again. A thousand a call is plenty: a call is one step.
   */
  add(sessions: readonly NewSession[], limit?: number): MaybePromise<AddResult>;

  /** Small shared state beside the sessions: proxy health, account states, site brakes. JSON text. */
  document(name: string): MaybePromise<StoredDocument | undefined>;
  /** Writes it if its version is still `ifVersion` (0: it must not exist). Answers the new version, or `undefined`: read again. */
  putDocument(name: string, value: string, ifVersion: number): MaybePromise<number | undefined>;

  get(id: string): MaybePromise<ListedSession | undefined>;
  /**
   * Sessions in the order of their ids, living and dead, without places. `next` continues; absent at the end. A page
   * may hold fewer than `limit`, or none, and still have a `next`.
   */
  list(page: ListPage): MaybePromise<ListResult>;
  /** Removes sessions wholly, leased ones included: their holder's release is then `lost`. Answers how many. */
  remove(ids: readonly string[]): MaybePromise<number>;
  /** Reads counters, and no more than some thousands of index entries for what depends on the time. */
  count(): MaybePromise<StoreCounts>;
  /**
   * Writes bodies, keys and tags in another way, living or dead, leased or not, each only if its body still is what
   * it was: for a change of encryption keys. Nothing else changes. Answers how many were written. Needed where bodies are text.
   */
  rewrite?(rewrites: readonly Rewrite[]): MaybePromise<number>;
  /**
   * Clears away what is left of bodies that were replaced, where the store keeps such in files of its own; after the first sealing.
   * May take long, and need that nobody else uses the store.
   * @throws StoreError `STORE_BUSY`
   */
  scrub?(): MaybePromise<void>;
  /** Removes dead sessions that were kept long enough, oldest death first, at most `limit` a call. */
  prune(request: PruneRequest): MaybePromise<PruneResult>;

  /**
   * Calls the listener when sessions may have become free through somebody else (another process); needed only
   * where `capabilities.wakeUps`. Watching costs something, so a pool watches only while somebody waits.
   */
  watch?(listener: () => void): () => void;
  /** Waits for what is under way and lets go of the file or connection. May be called twice. */
  close(): MaybePromise<void>;
}

/** Records a single call may look at. What needs more answers `again` (invariant 6: flat). */
export const MAX_LOOKED_AT = 256;

export interface StoreCapabilities {
  /** An acknowledged release survives `kill -9` of every process of ours. */
  durable: boolean;
  shared: 'process' | 'machine' | 'network';
  /** Tells of sessions freed by other processes, through `watch`. */
  wakeUps: boolean;
  /** `live`: bodies are objects, handed over by reference. `text`: bodies are strings. */
  bodies: 'live' | 'text';
}

/** How the next session is chosen: least recently used, by chance, or the one used last. */
export type Rotation = 'round-robin' | 'random' | 'use-until-failure';

/** Whether a new session is made only when none is free, or before any is used again. */
export type Fill = 'on-demand' | 'first';

/** `usable`, or how it died. */
export type SessionStatus = 'usable' | 'blocked' | 'expired' | 'used-up' | 'retired';

/** A right to use one session until it runs out. Plain data: it can be sent, stored and sent back. */
export interface Lease {
  /** The session's; anything, also empty, for a reserved place. */
  readonly id: string;
  /**
   * Random. Writes compare it with the fence, and not the fence alone: a server restored from a backup repeats numbers.
   * A store that nothing outlives may use one token for all.
   */
  readonly token: string;
  /** Grows with every lease of the session. */
  readonly fence: number;
}

export interface LeaseRequest {
  rotation: Rotation;
  fill: Fill;
  leaseMs: number;
  /** Who asks, `host:pid`, for people to read. */
  holder: string;
  /** Only this session. */
  id?: string;
  /** Not one that is banned from, or resting for, this site. */
  site?: string;
  /** Living sessions and places may be this many; without it nothing is created. */
  limit?: number;
  /** The caller will wait if there is none: a store with `wakeUps` may register it. */
  wake?: boolean;
}

export type LeaseResult = LeasedResult | VacantResult | NoneResult | AgainResult;

export interface LeasedResult {
  readonly kind: 'leased';
  readonly lease: Lease;
  /**
   * Only to be read, and at once, for a store may hand out its own record; `createdAt` and `expiresAt` stay as they are
   * while it is leased.
   */
  readonly session: Readonly<StoredSession>;
  /** The last lease ran out unreleased: what its holder did not save is lost, and it was counted as one use. */
  readonly recovered: boolean;
  readonly now: number;
}

/** A place is reserved for a session that the caller now makes. A crash frees it when the lease runs out. */
export interface VacantResult {
  readonly kind: 'vacant';
  readonly lease: Lease;
  readonly now: number;
}

export interface NoneResult {
  readonly kind: 'none';
  /**
   * Until one is expected to become free; `null`: none can, as things stand. For a site it counts the longer of a
   * session's rest and its rest for the site.
   */
  readonly retryInMs: number | null;
}

export interface AgainResult {
  readonly kind: 'again';
}

export interface NewSession {
  id: string;
  /** How long ago it was created; 0 for a new one. */
  ageMs: number;
  /** Lives this much longer; `null`: no end. */
  expiresInMs: number | null;
  usageCount: number;
  maxUsageCount: number | null;
  errorScore: number;
  /** Unique among the living: an account. */
  key?: string | null;
  /** What it belongs to, for orders to many and for counts: a proxy. */
  tag?: string | null;
  /**
   * Not if so many living sessions, or more, have its tag already; without a tag it means nothing. Sure among all who
   * share the store and give a limit. Where very many have just expired, some of them may still count.
   */
  tagLimit?: number;
  body: unknown;
}

/** A session as its store knows it. */
export interface StoredSession {
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly usageCount: number;
  readonly maxUsageCount: number | null;
  readonly errorScore: number;
  readonly status: SessionStatus;
  /** Why it died; `null` while it lives. */
  readonly reason: string | null;
  readonly key: string | null;
  readonly tag: string | null;
  readonly body: unknown;
}

export interface SiteBlock {
  readonly site: string;
  readonly sinceAt: number;
  /** `null`: banned there for good. */
  readonly untilAt: number | null;
}

/** A session as lists show it. */
export interface ListedSession extends StoredSession {
  readonly state: 'ready' | 'leased' | 'resting' | 'dead';
  /** When the state ends by itself (a lease, a rest); `null` where it does not. */
  readonly untilAt: number | null;
  readonly holder: string | null;
  /** When the lease began, or the session died. */
  readonly sinceAt: number | null;
  readonly blocks: readonly SiteBlock[];
}

export type CreateResult =
  | { readonly kind: 'created'; readonly lease: Lease }
  | { readonly kind: 'lost' | 'duplicate' | 'tag-full' };

/** What a use changed. Counts are the new totals: the holder is the only one who writes them. */
export interface ReleaseChange {
  usageCount: number;
  errorScore: number;
  /** Anything but `usable` is final: the session is never leased again, unless revived, and its blocks are dropped. */
  status: SessionStatus;
  reason?: string | null;
  /** Rests everywhere for so long. */
  restMs?: number;
  /** Blocked for a site: so long, `null` for good. A longer block that it has there goes on; 0 lifts any. */
  blocks?: readonly { site: string; ms: number | null }[];
  /** What it belongs to from now on, `null`: nothing; absent if unchanged. No limit holds it back. */
  tag?: string | null;
  /** The new body; absent if unchanged. */
  body?: unknown;
}

/**
 * `ordered`: it was released, and then an order that waited retired it. `lost`: the lease was over and nothing
 * was written.
 */
export type ReleaseResult = 'released' | 'ordered' | 'lost';

export interface Renewal {
  lease: Lease;
  leaseMs: number;
  /** A checkpoint of the body, so that a crash loses less; counts are written at the release. */
  body?: unknown;
}

/** `order` names an order that waits for the holder. */
export type RenewOutcome = { readonly kind: 'held'; readonly order?: Order } | { readonly kind: 'lost' };

export type OrderTarget = { readonly ids: readonly string[] } | { readonly tag: string };

export type Order =
  | { readonly kind: 'retire'; readonly reason: string }
  | { readonly kind: 'rest'; readonly ms: number; readonly site?: string }
  /** Ends rests and bans, for one site or everywhere. */
  | { readonly kind: 'lift'; readonly site?: string }
  /**
   * Makes the dead living again: error score 0, bans and rests lifted. With a `limit`, no more than fit. What had
   * expired lives `expiresInMs` longer (`null`: without end); what was used up starts at 0 uses. One whose key a living
   * session has stays dead.
   */
  | { readonly kind: 'revive'; readonly expiresInMs: number | null; readonly limit?: number };

export type AddResult =
  | { readonly kind: 'added' }
  /** `id`: the first session that stands in the way. */
  | { readonly kind: 'duplicate' | 'tag-full'; readonly id: string }
  | { readonly kind: 'full' };

export interface StoredDocument {
  readonly value: string;
  readonly version: number;
}

export interface ListPage {
  /** Ids after this one. */
  after?: string;
  /** At most so many, 1 to 1000. */
  limit: number;
  state?: ListedSession['state'];
}

export interface ListResult {
  readonly sessions: ListedSession[];
  readonly next?: string;
  readonly now: number;
}

export interface StoreCounts {
  /** Ready, leased and resting: what counts against the limit, with `places`. */
  readonly living: number;
  readonly ready: number;
  readonly leased: number;
  readonly resting: number;
  /** Places reserved for sessions that are being made. */
  readonly places: number;
  /** Dead sessions still kept. */
  readonly dead: number;
  /** Deaths so far by reason, pruned ones included. At most 100 reasons; the rest is under `other`. */
  readonly deaths: Readonly<Record<string, number>>;
  /** Living sessions blocked, by site; at most 1000 sites. */
  readonly sites: Readonly<Record<string, { readonly resting: number; readonly banned: number }>>;
  /**
   * Living sessions by tag, without the tags that have none; at most 10 000 tags. Where there are more, which ones are
   * shown is the store's choice, and one that is not shown may still have sessions.
   */
  readonly tags: Readonly<Record<string, number>>;
  /** Until the next lease or rest ends; `null` if none is under way. */
  readonly nextReadyInMs: number | null;
}

export interface Rewrite {
  id: string;
  /** What the body must be. */
  ifBody: unknown;
  body: unknown;
  /** Absent: stays as it is. */
  key?: string | null;
  tag?: string | null;
}

export interface PruneRequest {
  /** Dead for at least so long... */
  olderThanMs: number;
  /** ...or beyond this many dead, the oldest deaths first. */
  keepAtMost: number;
  /** At most so many in this call; a store may stop earlier, and says `more`. */
  limit: number;
}

export interface PruneResult {
  readonly removed: number;
  /** There is more to prune: call again. */
  readonly more: boolean;
}
