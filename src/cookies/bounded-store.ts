import { checkOptions, number } from '../internal/options.ts';
import { hasSameContent, isSameCookie, type StoredCookie } from './cookie.ts';
import { siteOfHost } from './site.ts';

/** How much a site may make a session remember. Beyond it the oldest cookies go, expired ones before all others. */
export interface CookieLimits {
  /** Cookies of one site (registrable domain). @default 180, as in Chromium */
  maxPerSite?: number;
  /** Cookies in all. @default 3000, as in Chromium */
  maxTotal?: number;
  /** Bytes of name and value together; a larger cookie is refused. @default 4096 (RFC 6265bis §5.6) */
  maxBytes?: number;
}

export const defaultCookieLimits = { maxPerSite: 180, maxTotal: 3000, maxBytes: 4096 } as const;

const limit = number({ min: 1, integer: true });
const limitChecks = { maxPerSite: limit, maxTotal: limit, maxBytes: limit };

/** RFC 6265bis §5.5: no cookie outlives 400 days. */
const maxLifetimeMs = 400 * 86_400_000;

/**
 * The cookies of one session, by site. A site holds at most `maxPerSite`, so a lookup inside a site is a short
 * walk over an array and costs less than an index would; the arrays are in the order of writing, so the oldest
 * is the first.
 */
export class BoundedStore {
  readonly limits: Required<CookieLimits>;
  readonly #sites = new Map<string, StoredCookie[]>();
  #size = 0;
  #revision = 0;
  #changes = 0;
  #sequence = 0;
  /** No cookie ends before this; it may lie too early, never too late. */
  #nextExpiry = Number.POSITIVE_INFINITY;
  /** All cookies of some moment, oldest first, for evictions from a full store; those gone since are marked. */
  #evictable: StoredCookie[] = [];

  constructor(limits?: CookieLimits) {
    checkOptions(limits, limitChecks, 'limits');
    this.limits = { ...defaultCookieLimits, ...limits };
  }

  /** Rises with every change that somebody made; time passing and reads are none. */
  get revision(): number {
    return this.#revision;
  }

  /** Rises whenever an answer given before may be wrong, also because a cookie expired. */
  get changes(): number {
    return this.#changes;
  }

  /** When the next answer may change by itself, epoch milliseconds. */
  get nextExpiry(): number {
    return this.#nextExpiry;
  }

  /** Cookies stored; expired ones count until {@link prune}. */
  get size(): number {
    return this.#size;
  }

  get siteCount(): number {
    return this.#sites.size - (this.#sites.has('') ? 1 : 0);
  }

  /** The cookies of a site, oldest write first; those not bound to any host are under `''`. Not to be changed. */
  ofSite(site: string): readonly StoredCookie[] {
    return this.#sites.get(site) ?? [];
  }

  /** All cookies in the order of their creation. */
  all(): StoredCookie[] {
    const all: StoredCookie[] = [];
    for (const list of this.#sites.values()) all.push(...list);
    return all.sort((a, b) => a.created - b.created);
  }

  /**
   * Stores a cookie, which replaces the one of the same name, domain and path. An expired one only removes
   * that (RFC 6265bis §5.7). One that changes nothing leaves the revision as it is. True if it is stored now.
   */
  put(cookie: StoredCookie, now: number): boolean {
    if (byteLength(cookie) > this.limits.maxBytes) return false;
    const site = cookie.domain === '' ? '' : siteOfHost(cookie.domain);
    const list = this.#sites.get(site);
    const index = list ? list.findIndex((other) => isSameCookie(other, cookie)) : -1;
    if (cookie.expiresAt <= now) {
      if (list && index >= 0) {
        this.#removeAt(site, list, index);
        this.#changed();
      }
      return false;
    }
    const end = now + maxLifetimeMs;
    const lasting = cookie.expiresAt === Number.POSITIVE_INFINITY || cookie.expiresAt <= end;
    const stored = lasting ? { ...cookie } : { ...cookie, expiresAt: end };
    stored.written = ++this.#sequence;
    if (list && index >= 0) {
      const old = list[index]!;
      stored.created = old.created;
      const isUnchanged = hasSameContent(old, stored);
      // Moved to the end, as written last. What changes nothing keeps its old expiry, or a site that sends its
      // cookies with every answer would never be seen to extend them.
      old.written = -1;
      list.splice(index, 1);
      list.push(isUnchanged ? { ...old, written: stored.written } : stored);
      if (isUnchanged) return true;
    } else {
      this.#makeRoom(site, now);
      stored.created = stored.written;
      const room = this.#sites.get(site);
      if (room) room.push(stored);
      else this.#sites.set(site, [stored]);
      this.#size++;
    }
    if (stored.expiresAt < this.#nextExpiry) this.#nextExpiry = stored.expiresAt;
    this.#changed();
    return true;
  }

  /** Removes what `isMeant` picks, from one site or from all; says how many. */
  remove(isMeant: (cookie: StoredCookie) => boolean, site?: string): number {
    const before = this.#size;
    for (const name of site === undefined ? [...this.#sites.keys()] : [site]) this.#filter(name, isMeant);
    if (this.#size !== before) this.#changed();
    return before - this.#size;
  }

  clear(): void {
    if (this.#size === 0) return;
    this.#sites.clear();
    this.#evictable = [];
    this.#size = 0;
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    this.#changed();
  }

  /** Drops the expired. Costs nothing while none can be, and a walk is paid for by the cookie that it removes. */
  prune(now: number): void {
    if (now < this.#nextExpiry) return;
    let next = Number.POSITIVE_INFINITY;
    for (const site of [...this.#sites.keys()]) {
      this.#filter(site, (cookie) => {
        if (cookie.expiresAt <= now) return true;
        if (cookie.expiresAt < next) next = cookie.expiresAt;
        return false;
      });
    }
    this.#nextExpiry = next;
    this.#changes++;
  }

  #changed(): void {
    this.#revision++;
    this.#changes++;
  }

  #makeRoom(site: string, now: number): void {
    const isFull = () => (this.#sites.get(site)?.length ?? 0) >= this.limits.maxPerSite;
    if (isFull() || this.#size >= this.limits.maxTotal) this.prune(now);
    if (isFull()) this.#removeAt(site, this.#sites.get(site)!, 0);
    if (this.#size >= this.limits.maxTotal) this.#evictOldest();
  }

  /** The list is sorted once for as many evictions as it has cookies: whatever is written later comes after all of it. */
  #evictOldest(): void {
    for (;;) {
      if (this.#evictable.length === 0) {
        for (const list of this.#sites.values()) this.#evictable.push(...list);
        this.#evictable.sort((a, b) => b.written - a.written);
      }
      const oldest = this.#evictable.pop()!;
      if (oldest.written < 0) continue;
      const site = oldest.domain === '' ? '' : siteOfHost(oldest.domain);
      this.#removeAt(site, this.#sites.get(site)!, 0);
      return;
    }
  }

  #removeAt(site: string, list: StoredCookie[], index: number): void {
    const [removed] = list.splice(index, 1);
    removed!.written = -1;
    this.#size--;
    if (list.length === 0) this.#sites.delete(site);
  }

  #filter(site: string, isOut: (cookie: StoredCookie) => boolean): void {
    const list = this.#sites.get(site);
    if (!list) return;
    const kept = list.filter((cookie) => {
      if (!isOut(cookie)) return true;
      cookie.written = -1;
      return false;
    });
    this.#size -= list.length - kept.length;
    if (kept.length === 0) this.#sites.delete(site);
    else if (kept.length !== list.length) this.#sites.set(site, kept);
  }
}

/** Names and values are byte strings: one character, one byte. */
export function byteLength(cookie: Pick<StoredCookie, 'name' | 'value'>): number {
  return cookie.name.length + cookie.value.length;
}
