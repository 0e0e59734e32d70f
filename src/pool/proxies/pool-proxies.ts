import type { Clock } from '../../internal/clock.ts';
import type { MaybePromise } from '../../internal/maybe-promise.ts';
import { showProxy } from '../../proxies/proxy.ts';
import type { ProxyFault } from '../../proxies/proxy-fault.ts';
import type { SessionBody } from '../../session/body.ts';
import type { SessionProxy } from '../../session/identity.ts';
import type { SessionStore, StoredSession } from '../../stores/store.ts';
import type { PoolEventBus } from '../events.ts';
import type { PoolSettings } from '../options.ts';
import { isStoreAway } from '../outage.ts';
import type { SharedDocument } from '../shared-document.ts';
import { ExitRecord } from './exit-record.ts';
import { LeasedProxy, type ProxyHome } from './leased-proxy.ts';
import type { ProxyDocument } from './proxy-document.ts';
import { ProxyHealth } from './proxy-health.ts';
import { type ListedProxy, ProxyList } from './proxy-list.ts';
import { ProxyLoad } from './proxy-load.ts';
import type { ProxyTags } from './proxy-tags.ts';

/** Whoever finds a proxy full asks again soon: places become free within a request's time. */
const FULL_REST_MS = 200;
/** While one tries a proxy, the other sessions rest for so long at a time. */
const PROBE_REST_MS = 2_000;
/** Where no proxy takes a new session, it is looked at again after this. */
const NONE_MS = 500;
/** A session whose proxy is gone, and for which there is no other, is asked again after this. */
const NO_OTHER_REST_MS = 30_000;

/** What sessions die of whose proxy is no longer listed. */
export const PROXY_GONE = 'its proxy is gone';

/** So many proxies are looked at for the one with the fewest sessions; more only where none of them will do. */
const MAX_LOOKED_AT = 1_000;

/** Whether a session may go out through its proxy now. */
export type Admission =
  | { readonly kind: 'admitted'; readonly body: SessionBody; readonly proxy: LeasedProxy | undefined }
  | { readonly kind: 'resting'; readonly ms: number }
  | { readonly kind: 'gone'; readonly reason: string };

/** The proxy of a session that is being made. */
export interface ChosenProxy {
  readonly proxy: SessionProxy;
  readonly leased: LeasedProxy;
  /** At most so many living sessions may have its tag. */
  readonly limit: number | undefined;
  /** The session is there, or will not be. */
  end(isMade: boolean): void;
}

/** How one proxy stands. */
export interface ProxyStats {
  /** Living sessions that have it. */
  readonly sessions: number;
  /** `returning`: its quarantine is over, and one session is to try it; `probing`: one does. */
  readonly state: 'healthy' | 'quarantined' | 'returning' | 'probing';
  /** Failures in a row. */
  readonly failures: number;
  /** Until it may be tried again, in milliseconds. */
  readonly closedForMs: number;
}

interface ProxyParts {
  readonly settings: PoolSettings;
  readonly store: SessionStore;
  /** What sessions and quarantines live by. */
  readonly storeClock: Clock;
  readonly clock: Clock;
  readonly events: PoolEventBus;
  readonly tags: ProxyTags;
  readonly document: SharedDocument<ProxyDocument>;
}

/** The proxies of a pool's sessions: which one a new session gets, whether it works, and who may use it now. */
export class PoolProxies implements ProxyHome {
  readonly #parts: ProxyParts;
  /** Absent where sessions bring their own. */
  readonly #list: ProxyList | undefined;
  readonly #health: ProxyHealth;
  readonly #load: ProxyLoad;
  readonly #exits = new ExitRecord();
  readonly #onFree: () => void;
  readonly #onGone: (tags: ReadonlySet<string>) => Promise<void>;
  /** Leases of this process, by tag; only where there is a limit. */
  readonly #inUse = new Map<string, number>();
  #noneUntil = Number.NEGATIVE_INFINITY;

  /**
   * @param onFree a session, or a proxy for a new one, may have become free
   * @param onGone retires the sessions with these tags
   */
  constructor(parts: ProxyParts, onFree: () => void, onGone: (tags: ReadonlySet<string>) => Promise<void>) {
    this.#parts = parts;
    this.#onFree = onFree;
    this.#onGone = onGone;
    const { settings, store, storeClock: clock, events, tags, document } = parts;
    const { proxies: source, proxyRefreshMs: refreshMs } = settings;
    this.#list =
      source === undefined
        ? undefined
        : new ProxyList({ source, refreshMs, tags, events, clock, onChange: (gone) => this.#changed(gone) });
    const onError = (error: unknown) => this.#failedInBackground(error, 'reading how proxies do');
    this.#health = new ProxyHealth(document, clock, onError);
    this.#load = new ProxyLoad(store, onError);
  }

  /** @throws OptionError where a file of proxies cannot be read */
  async open(): Promise<void> {
    await this.#parts.tags.load();
    await this.#health.load();
    if (!this.#list) return;
    await this.#load.load();
    await this.#list.open();
  }

  stop(): void {
    this.#list?.stop();
  }

  /** Whether it gives new sessions their proxy. */
  get assigns(): boolean {
    return this.#list !== undefined;
  }

  /** Milliseconds until a new session may be worth a try; 0: now. */
  get pausedForMs(): number {
    return Math.max(0, this.#noneUntil - this.#parts.clock.monotonic());
  }

  /** Whether a new session would get a proxy now. */
  hasRoom(): boolean {
    if (!this.#list || this.#best(() => true) !== undefined) return true;
    this.#none();
    return false;
  }

  /**
   * Chooses the proxy of a new session: the one with the fewest of those that work, ties by chance; `undefined`: none.
   * @param before what the user had, and keeps: if that is gone, another one of the same country
   */
  async choose(before?: SessionProxy): Promise<ChosenProxy | undefined> {
    const known = before && this.#list?.get(this.#parts.tags.of(before));
    for (;;) {
      const listed = this.#best(
        known ? ({ tag }) => tag === known.tag : ({ proxy }) => !before || proxy.country === before.country,
      );
      if (listed === undefined) {
        // The user's own says nothing of the others.
        if (!before) this.#none();
        return undefined;
      }
      const { tag } = listed;
      const isProbe = this.#health.stateOf(tag) !== 'healthy';
      this.#load.begin(tag);
      if (isProbe && !(await this.#claim(tag))) {
        this.#load.end(tag, false);
        continue;
      }
      let isOver = false;
      return {
        proxy: this.#assigned(listed, before, known !== undefined),
        leased: this.#leased(tag, isProbe, undefined),
        limit: this.#parts.settings.maxSessionsPerProxy ?? undefined,
        end: (isMade) => {
          if (isOver) return;
          isOver = true;
          this.#load.end(tag, isMade);
        },
      };
    }
  }

  /** How many living sessions may have this tag; `undefined`: any number, or it is none of the list. */
  limitOf(tag: string | null | undefined): number | undefined {
    const isListed = typeof tag === 'string' && this.#list?.get(tag) !== undefined;
    return isListed ? (this.#parts.settings.maxSessionsPerProxy ?? undefined) : undefined;
  }

  /** The store has as many sessions with this tag as there may be. */
  isFull(tag: string): void {
    this.#load.isFull(tag, this.#parts.settings.maxSessionsPerProxy ?? 0);
  }

  /** Whether a session that was leased may go out, and its body, where its proxy has changed. */
  admit(stored: Readonly<StoredSession>, body: SessionBody): MaybePromise<Admission> {
    if (body.proxy === undefined) return { kind: 'admitted', body, proxy: undefined };
    const found = this.#find(stored, body, body.proxy);
    if ('kind' in found) return found;
    const { tag, changedTag } = found;
    const state = this.#health.stateOf(tag);
    if (state === 'quarantined' || state === 'probing') {
      const ms = this.#health.closedForMs(tag);
      return { kind: 'resting', ms: state === 'probing' ? Math.min(ms, PROBE_REST_MS) : ms };
    }
    if (this.#isCrowded(tag)) return { kind: 'resting', ms: FULL_REST_MS * (0.5 + Math.random()) };
    if (state === 'returning') {
      return this.#claim(tag).then((isOurs) =>
        isOurs
          ? { kind: 'admitted', body: found.body, proxy: this.#leased(tag, true, changedTag) }
          : { kind: 'resting', ms: PROBE_REST_MS },
      );
    }
    return { kind: 'admitted', body: found.body, proxy: this.#leased(tag, false, changedTag) };
  }

  failed(proxy: LeasedProxy, fault: ProxyFault, site: string, reason: string): void {
    const { tag, isProbe } = proxy;
    // Whoever answers for its exits works itself.
    if (fault === 'exit' && this.#list?.get(tag)?.isGateway) {
      this.worked(proxy);
      return;
    }
    if (fault === 'exit' && !this.#exits.failed(tag, site) && !isProbe) return;
    const ms = this.#health.failed(tag, isProbe);
    if (ms === undefined) return;
    const { events } = this.#parts;
    events.emit('proxyQuarantined', { proxy: this.nameOf(tag), ms, reason });
    this.#restAll(tag, ms);
  }

  worked({ tag, isProbe, hasAnswered }: LeasedProxy): void {
    this.#exits.reached(tag);
    if (isProbe && !hasAnswered) this.#back(tag);
  }

  left({ tag, isProbe, hasAnswered }: LeasedProxy): void {
    if (isProbe && !hasAnswered) this.#health.abandoned(tag);
    if (this.#parts.settings.maxConcurrentPerProxy === null) return;
    const inUse = (this.#inUse.get(tag) ?? 1) - 1;
    if (inUse > 0) this.#inUse.set(tag, inUse);
    else this.#inUse.delete(tag);
  }

  /** A session of this process died: where proxies are full, there is room for another. */
  died(): void {
    if (!this.#list || this.#parts.settings.maxSessionsPerProxy === null) return;
    const failed = (error: unknown) => this.#failedInBackground(error, 'counting the sessions of proxies');
    this.#load.load().then(() => this.#freed(), failed);
  }

  closedForMs(tag: string): number {
    return this.#health.closedForMs(tag);
  }

  /** Why no new session gets a proxy, for people. */
  explain(): string {
    if (!this.#list) return '';
    const { all, error } = this.#list;
    if (all.length === 0) {
      const why = error instanceof Error ? `: ${error.message}` : '';
      return `no proxies, for their source has given none${why}`;
    }
    const closed = all.filter(({ tag }) => this.#health.stateOf(tag) !== 'healthy');
    if (closed.length > 0) {
      const firstInMs = Math.min(...closed.map(({ tag }) => this.#health.closedForMs(tag)));
      return `${closed.length} of ${all.length} proxies quarantined, the first for ${Math.ceil(firstInMs)} ms`;
    }
    const full = all.filter(({ tag }) => !this.#hasRoomFor(tag)).length;
    return full > 0 ? `${full} of ${all.length} proxies with as many sessions as they may have` : '';
  }

  /** How each proxy of the list stands, by its name. */
  async stats(): Promise<Record<string, ProxyStats>> {
    await this.#load.load();
    const stats: Record<string, ProxyStats> = Object.create(null);
    for (const { tag, name } of this.#list?.all ?? []) {
      stats[name] = {
        sessions: this.#load.of(tag),
        state: this.#health.stateOf(tag),
        failures: this.#health.failuresOf(tag),
        closedForMs: Math.ceil(this.#health.closedForMs(tag)),
      };
    }
    return stats;
  }

  /** The least-loaded proxy that may get one more session. One that returns is tried by a new session only if it has no other. */
  #best(isFit: (listed: ListedProxy) => boolean): ListedProxy | undefined {
    let best: ListedProxy | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    let ties = 0;
    const { all } = this.#list!;
    // Of very many some are good enough: all would hold the process up for as long as they are many.
    const from = all.length > MAX_LOOKED_AT ? Math.floor(Math.random() * all.length) : 0;
    for (let looked = 0; looked < all.length; looked += 1) {
      if (looked >= MAX_LOOKED_AT && best !== undefined) break;
      const listed = all[(from + looked) % all.length]!;
      const { tag } = listed;
      const load = this.#load.of(tag);
      if (load > bestLoad || !isFit(listed) || !this.#hasRoomFor(tag) || this.#isCrowded(tag)) continue;
      const state = this.#health.stateOf(tag);
      if (state !== 'healthy' && !(state === 'returning' && load === 0)) continue;
      ties = load < bestLoad ? 1 : ties + 1;
      bestLoad = load;
      if (Math.random() * ties < 1) best = listed;
    }
    this.#load.look(best === undefined);
    return best;
  }

  #hasRoomFor(tag: string): boolean {
    const limit = this.#parts.settings.maxSessionsPerProxy;
    return limit === null || this.#load.of(tag) < limit;
  }

  #isCrowded(tag: string): boolean {
    const limit = this.#parts.settings.maxConcurrentPerProxy;
    return limit !== null && (this.#inUse.get(tag) ?? 0) >= limit;
  }

  /** A session's proxy as it is now: its URL may have changed under its id, or it may be gone. */
  #find(
    stored: Readonly<StoredSession>,
    body: SessionBody,
    proxy: SessionProxy,
  ):
    | { tag: string; changedTag: string | undefined; body: SessionBody }
    | Exclude<Admission, { kind: 'admitted' }> {
    let tag = stored.tag;
    let listed = tag === null ? undefined : this.#list?.get(tag);
    if (listed === undefined || tag === null) {
      // Given another before, or tagged by an older troupe.
      tag = this.#parts.tags.of(proxy);
      listed = this.#list?.get(tag);
    }
    let next = body;
    if (listed) {
      if (!isSame(listed.proxy, proxy)) next = { ...body, proxy: { ...listed.proxy, ...lifeOf(proxy) } };
    } else if (this.#isGone(proxy)) {
      if (this.#parts.settings.onProxyGone === 'retire') return { kind: 'gone', reason: PROXY_GONE };
      const other = this.#best((candidate) => candidate.proxy.country === proxy.country);
      if (!other) return { kind: 'resting', ms: NO_OTHER_REST_MS };
      next = { ...body, proxy: this.#assigned(other, proxy) };
      tag = other.tag;
    }
    return { tag, changedTag: tag === stored.tag ? undefined : tag, body: next };
  }

  /** One that was given from a list, and is in none that was read since: another worker may have a newer one than we. */
  #isGone({ assignedAt }: SessionProxy): boolean {
    const readAt = this.#list?.readAt;
    return readAt !== undefined && assignedAt !== undefined && assignedAt < readAt;
  }

  /** For a user that had one before: its next word, or the same one at the same proxy. */
  #assigned({ proxy }: ListedProxy, before: SessionProxy | undefined, isSameProxy = false): SessionProxy {
    const assignedAt = Math.max(0, Math.round(this.#parts.storeClock.now()));
    const rotation = before && (before.rotation ?? 0) + (isSameProxy ? 0 : 1);
    return Object.freeze({ ...proxy, assignedAt, ...(rotation && { rotation }) });
  }

  #leased(tag: string, isProbe: boolean, changedTag: string | undefined): LeasedProxy {
    if (this.#parts.settings.maxConcurrentPerProxy !== null)
      this.#inUse.set(tag, (this.#inUse.get(tag) ?? 0) + 1);
    return new LeasedProxy(this, tag, isProbe, changedTag);
  }

  async #claim(tag: string): Promise<boolean> {
    const isOurs = await this.#health.claim(tag).catch((error) => {
      this.#failedInBackground(error, 'asking to try a proxy');
      return false;
    });
    // The others need not come one by one to find out that somebody tries it.
    if (isOurs) this.#restAll(tag, PROBE_REST_MS);
    return isOurs;
  }

  #back(tag: string): void {
    this.#health.worked(tag);
    this.#parts.events.emit('proxyBack', { proxy: this.nameOf(tag) });
    this.#freed();
  }

  #restAll(tag: string, ms: number): void {
    const failed = (error: unknown) => this.#failedInBackground(error, 'resting the sessions of a proxy');
    try {
      Promise.resolve(this.#parts.store.order({ tag }, { kind: 'rest', ms })).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #changed(gone: readonly ListedProxy[]): void {
    if (this.#parts.settings.onProxyGone === 'retire' && gone.length > 0) {
      this.#onGone(new Set(gone.map(({ tag }) => tag))).catch((error) =>
        this.#failedInBackground(error, 'retiring the sessions of a proxy that is gone'),
      );
    }
    this.#exits.keepOnly((tag) => this.#list?.get(tag) !== undefined);
    this.#freed();
  }

  #none(): void {
    this.#noneUntil = this.#parts.clock.monotonic() + NONE_MS;
  }

  #freed(): void {
    this.#noneUntil = Number.NEGATIVE_INFINITY;
    this.#onFree();
  }

  /** For people: without credentials. */
  nameOf(tag: string): string {
    const { session } = this.#parts.settings;
    const own = session.proxy === undefined ? undefined : session.proxy;
    const name = typeof own === 'string' ? showProxy({ url: own }) : own && showProxy(own);
    return this.#list?.get(tag)?.name ?? name ?? 'a proxy that is not in the list';
  }

  /** That the store is away is told once, by itself. */
  #failedInBackground(error: unknown, during: string): void {
    if (!isStoreAway(error)) this.#parts.events.emit('error', { error, during });
  }
}

function isSame(a: SessionProxy, b: SessionProxy): boolean {
  return a.url === b.url && a.country === b.country && a.id === b.id;
}

/** What belongs to the session, whatever its proxy's URL becomes. */
function lifeOf({ assignedAt, rotation }: SessionProxy): Pick<SessionProxy, 'assignedAt' | 'rotation'> {
  return { ...(assignedAt !== undefined && { assignedAt }), ...(rotation !== undefined && { rotation }) };
}
