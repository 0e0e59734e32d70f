import { type Callback, type Cookie, type ErrorCallback, Store } from 'tough-cookie';
import { expiryOf, hasSameContent, notCookieText } from './cookie.ts';
import { type CookieLimits, checkCookieLimits, defaultCookieLimits } from './cookie-limits.ts';
import { siteOfHost } from './site.ts';

/** RFC 6265bis §5.5: no cookie outlives 400 days. */
const maxLifetimeMs = 400 * 86_400_000;

/**
 * The cookies of one session: a tough-cookie store that is bounded and knows whether it changed. Both maps are
 * in the order of writing, so the first is the oldest. Cookies that are not bound to a host have no domain and
 * are of site `''`; no jar finds them.
 */
export class BoundedStore extends Store {
  override synchronous = true;
  readonly limits: Required<CookieLimits>;
  /** Rises with every change that somebody made; time passing, reads and identical cookies are none. */
  revision = 0;
  /** Cookies taken, identical ones included. */
  writes = 0;
  /** No cookie ends before this; it may lie too early, never too late. */
  nextExpiry = Number.POSITIVE_INFINITY;
  #cookies = new Map<string, Cookie>();
  #sites = new Map<string, Map<string, Cookie>>();
  /** The cookie written last; it may be gone. */
  #newest: Cookie | undefined;
  /** Whether a fork uses the same maps: they are copied before the first change. */
  #isShared = false;

  constructor(limits?: CookieLimits) {
    super();
    checkCookieLimits(limits);
    this.limits = { ...defaultCookieLimits, ...limits };
  }

  /**
   * A store of the same cookies whose changes do not show in this one, nor the other way round. Costs next to nothing:
   * stored cookies are never changed but replaced, and the maps are copied with the first change.
   */
  fork(): BoundedStore {
    const fork = new BoundedStore(this.limits);
    fork.#cookies = this.#cookies;
    fork.#sites = this.#sites;
    fork.revision = this.revision;
    fork.writes = this.writes;
    fork.nextExpiry = this.nextExpiry;
    fork.#newest = this.#newest;
    this.#isShared = true;
    fork.#isShared = true;
    return fork;
  }

  /** Cookies stored; expired ones count until {@link prune}. */
  get size(): number {
    return this.#cookies.size;
  }

  /** Whether a cookie is not bound to a host. */
  get hasUnbound(): boolean {
    return this.#sites.has('');
  }

  get siteCount(): number {
    return this.#sites.size - (this.#sites.has('') ? 1 : 0);
  }

  /** All cookies, the oldest write first. */
  all(): Iterable<Cookie> {
    return this.#cookies.values();
  }

  /** The cookies of a host's whole site, the oldest write first; those not bound to any host for `''`. */
  ofSiteOf(hostname: string): Cookie[] {
    return [...(this.#sites.get(siteKey(hostname))?.values() ?? [])];
  }

  /** The stored cookie of the same name, domain and path. */
  same(cookie: Cookie): Cookie | undefined {
    return this.#cookies.get(identity(cookie.domain, cookie.path, cookie.key));
  }

  /** Stores a cookie; an expired one only removes its like (RFC 6265bis §5.7). One that changes nothing counts as written. */
  put(cookie: Cookie, now = Date.now()): void {
    if (!isSound(cookie, this.limits.maxBytes)) return;
    this.prune(now);
    const id = identity(cookie.domain, cookie.path, cookie.key);
    const old = this.#cookies.get(id);
    const expiresAt = expiryOf(cookie);
    if (expiresAt <= now) {
      if (old) this.remove([old]);
      return;
    }
    // Max-Age becomes an instant: tough-cookie counts it anew from every access, and the cookie would never end.
    const hasEnd = expiresAt !== Number.POSITIVE_INFINITY;
    cookie.expires = hasEnd ? new Date(Math.min(expiresAt, now + maxLifetimeMs)) : 'Infinity';
    cookie.maxAge = null;
    cookie.extensions = null;
    this.writes++;
    // What changes nothing keeps its old expiry, or a site that sends its cookies with every answer would never
    // be seen to extend them.
    const isUnchanged = old !== undefined && old !== cookie && hasSameContent(old, cookie);
    // Its place at the end of both orders is its own already.
    if (isUnchanged && this.#newest === old) return;
    if (old) {
      cookie.creation = old.creation;
      cookie.creationIndex = old.creationIndex;
    } else {
      this.#makeRoom(siteKey(cookie.domain ?? ''));
    }
    this.#add(id, isUnchanged ? old : cookie);
    if (!isUnchanged) this.revision++;
  }

  /** Removes cookies that are stored. */
  remove(cookies: Iterable<Cookie>): void {
    const before = this.size;
    const now = Date.now();
    let isChange = false;
    for (const cookie of cookies) {
      isChange ||= expiryOf(cookie) > now;
      this.#drop(cookie);
    }
    if (isChange && this.size !== before) this.revision++;
  }

  /** Drops the expired. Costs nothing while none can be. */
  prune(now = Date.now()): void {
    if (now < this.nextExpiry) return;
    this.nextExpiry = Number.POSITIVE_INFINITY;
    for (const cookie of this.#cookies.values()) {
      const expiresAt = expiryOf(cookie);
      if (expiresAt <= now) this.#drop(cookie);
      else if (expiresAt < this.nextExpiry) this.nextExpiry = expiresAt;
    }
  }

  override findCookie(
    domain: string | null,
    path: string | null,
    key: string | null,
    callback?: Callback<Cookie | undefined>,
  ): Promise<Cookie | undefined> {
    this.prune();
    return answer(callback, this.#cookies.get(identity(domain, path, key)));
  }

  /** All of the site: the jar matches domain, path, scheme and expiry. */
  override findCookies(
    domain: string | null,
    _path: string | null,
    allowSpecialUseDomain?: boolean | Callback<Cookie[]>,
    callback?: Callback<Cookie[]>,
  ): Promise<Cookie[]> {
    this.prune();
    const last = typeof allowSpecialUseDomain === 'function' ? allowSpecialUseDomain : callback;
    return answer(last, domain ? this.ofSiteOf(domain) : []);
  }

  override putCookie(cookie: Cookie, callback?: ErrorCallback): Promise<void> {
    if (cookie.domain) this.put(cookie);
    return answer(callback, undefined);
  }

  override updateCookie(_old: Cookie, cookie: Cookie, callback?: ErrorCallback): Promise<void> {
    return this.putCookie(cookie, callback);
  }

  override removeCookie(
    domain: string | null,
    path: string | null,
    key: string | null,
    callback?: ErrorCallback,
  ): Promise<void> {
    const cookie = this.#cookies.get(identity(domain, path, key));
    if (cookie) this.remove([cookie]);
    return answer(callback, undefined);
  }

  override removeAllCookies(callback?: ErrorCallback): Promise<void> {
    this.remove([...this.all()]);
    return answer(callback, undefined);
  }

  override getAllCookies(callback?: Callback<Cookie[]>): Promise<Cookie[]> {
    this.prune();
    return answer(
      callback,
      byCreation(this.all()).filter((cookie) => cookie.domain !== null),
    );
  }

  #makeRoom(site: string): void {
    const { maxPerSite, maxTotal } = this.limits;
    const isSiteFull = (this.#sites.get(site)?.size ?? 0) >= maxPerSite;
    const full = isSiteFull ? this.#sites.get(site) : this.size >= maxTotal ? this.#cookies : undefined;
    const oldest = full?.values().next().value;
    if (oldest) this.#drop(oldest);
  }

  #own(): void {
    if (!this.#isShared) return;
    this.#isShared = false;
    this.#cookies = new Map(this.#cookies);
    this.#sites = new Map([...this.#sites].map(([site, cookies]) => [site, new Map(cookies)]));
  }

  /** At the end of both orders, in the place of its like. */
  #add(id: string, cookie: Cookie): void {
    this.#own();
    const site = siteKey(cookie.domain ?? '');
    let ofSite = this.#sites.get(site);
    if (!ofSite) {
      ofSite = new Map();
      this.#sites.set(site, ofSite);
    }
    ofSite.delete(id);
    ofSite.set(id, cookie);
    this.#cookies.delete(id);
    this.#cookies.set(id, cookie);
    this.#newest = cookie;
    this.nextExpiry = Math.min(this.nextExpiry, expiryOf(cookie));
  }

  #drop(cookie: Cookie): void {
    this.#own();
    const id = identity(cookie.domain, cookie.path, cookie.key);
    const site = siteKey(cookie.domain ?? '');
    const ofSite = this.#sites.get(site);
    this.#cookies.delete(id);
    ofSite?.delete(id);
    if (ofSite?.size === 0) this.#sites.delete(site);
  }
}

export function byCreation(cookies: Iterable<Cookie>): Cookie[] {
  return [...cookies].sort((a, b) => a.creationIndex - b.creationIndex);
}

/** A path may hold anything but comes last; the others are free of line feeds. */
function identity(domain: string | null, path: string | null, name: string | null): string {
  return `${domain ?? ''}\n${name}\n${path}`;
}

/** tough-cookie writes an IPv6 address bare, a URL in brackets. */
function siteKey(hostname: string): string {
  return siteOfHost(hostname.startsWith('[') ? hostname.slice(1, -1) : hostname);
}

/** Whether it can be sent, and read back from JSON: jars take `Cookie` objects with anything in them. */
function isSound(cookie: Cookie, maxBytes: number): boolean {
  const { key, value, path } = cookie;
  if (!path?.startsWith('/') || path.length > maxBytes || key.length + value.length > maxBytes) return false;
  const text = key + value;
  return text !== '' && !notCookieText.test(text) && !text.includes(';') && !key.includes('=');
}

/** Both ways of tough-cookie at once: a callback that is called before the return, and a promise. */
function answer<T>(callback: Callback<T> | ErrorCallback | undefined, value: T): Promise<T> {
  (callback as ((error: null, value: T) => void) | undefined)?.(null, value);
  return Promise.resolve(value);
}
