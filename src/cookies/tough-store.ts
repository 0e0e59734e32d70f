import { type Callback, Cookie, CookieJar, type ErrorCallback, Store } from 'tough-cookie';
import type { BoundedStore } from './bounded-store.ts';
import type { StoredCookie } from './cookie.ts';
import { readCookieInput } from './cookie-input.ts';
import { siteOfHost } from './site.ts';

/**
 * Makes a tough-cookie jar over the cookies of a session, for clients that want one (got, axios, …). What
 * they store passes the same bounds and is counted; what they read are copies, because a jar changes
 * `lastAccessed` of what it reads. `open` is asked before every call: it throws once the session is gone.
 */
export function makeJar(open: () => BoundedStore): CookieJar {
  return new CookieJar(new ToughStore(open), {
    rejectPublicSuffixes: true,
    allowSpecialUseDomain: true,
    // As everywhere here: Secure means https.
    allowSecureOnLocal: false,
    // A cookie whose prefix promises too much is ignored without an error, as browsers do it.
    prefixSecurity: 'silent',
  });
}

/** tough-cookie's `Store` over {@link BoundedStore}; every method answers before it returns. */
class ToughStore extends Store {
  readonly #open: () => BoundedStore;

  constructor(open: () => BoundedStore) {
    super();
    this.synchronous = true;
    this.#open = open;
  }

  override findCookie(
    domain: string | null,
    path: string | null,
    key: string | null,
    callback?: Callback<Cookie | undefined>,
  ): Promise<Cookie | undefined> {
    return answer(callback, () => {
      if (domain === null) return undefined;
      const found = this.#bound(domain).find(
        (cookie) => cookie.domain === toHost(domain) && cookie.path === path && cookie.name === key,
      );
      return found && toTough(found);
    });
  }

  /** All of the site: the jar itself matches domain, path, scheme and expiry again. */
  override findCookies(
    domain: string | null,
    _path: string | null,
    allowSpecialUseDomain?: boolean | Callback<Cookie[]>,
    callback?: Callback<Cookie[]>,
  ): Promise<Cookie[]> {
    const last = typeof allowSpecialUseDomain === 'function' ? allowSpecialUseDomain : callback;
    return answer(last, () => (domain === null ? [] : this.#bound(domain).map(toTough)));
  }

  override putCookie(cookie: Cookie, callback?: ErrorCallback): Promise<void> {
    return answer(callback, () => {
      const store = this.#open();
      const stored = fromTough(cookie);
      if (stored) store.put(stored, Date.now());
    });
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
    return answer(callback, () => {
      const host = toHost(domain ?? '');
      this.#open().remove(
        (cookie) => cookie.domain === host && cookie.path === path && cookie.name === key,
        siteOfHost(host),
      );
    });
  }

  override removeCookies(domain: string, path: string | null, callback?: ErrorCallback): Promise<void> {
    return answer(callback, () => {
      const host = toHost(domain);
      this.#open().remove(
        (cookie) => cookie.domain === host && (!path || cookie.path === path),
        siteOfHost(host),
      );
    });
  }

  override removeAllCookies(callback?: ErrorCallback): Promise<void> {
    return answer(callback, () => this.#open().clear());
  }

  override getAllCookies(callback?: Callback<Cookie[]>): Promise<Cookie[]> {
    return answer(callback, () => {
      const store = this.#open();
      store.prune(Date.now());
      return store
        .all()
        .filter((cookie) => cookie.domain !== '')
        .map(toTough);
    });
  }

  #bound(domain: string): readonly StoredCookie[] {
    const store = this.#open();
    store.prune(Date.now());
    return store.ofSite(siteOfHost(toHost(domain)));
  }
}

/** tough-cookie types its callbacks as overloads; called with a value beside null, they all agree. */
type Answered<T> = Callback<T> | ErrorCallback;

/** Both ways of tough-cookie at once: a callback that is called before the return, and a promise. */
function answer<T>(callback: Answered<T> | undefined, work: () => T): Promise<T> {
  let value: T;
  try {
    value = work();
  } catch (error) {
    if (!callback) return Promise.reject(error);
    callback(error as Error, undefined as never);
    return new Promise(() => {});
  }
  (callback as ((error: null, value: T) => void) | undefined)?.(null, value);
  return Promise.resolve(value);
}

/** tough-cookie writes an IPv6 address bare, a URL in brackets. */
function toHost(domain: string): string {
  return domain.includes(':') && !domain.startsWith('[') ? `[${domain}]` : domain;
}

const someDay = new Date(0);

function toTough(stored: StoredCookie): Cookie {
  const cookie = new Cookie({
    key: stored.name,
    value: stored.value,
    domain: stored.domain.startsWith('[') ? stored.domain.slice(1, -1) : stored.domain,
    hostOnly: stored.hostOnly,
    path: stored.path,
    secure: stored.secure,
    httpOnly: stored.httpOnly,
    sameSite: stored.sameSite,
    expires: stored.expiresAt === Number.POSITIVE_INFINITY ? 'Infinity' : new Date(stored.expiresAt),
    // Only orders cookies of one path length; the index below does that.
    creation: someDay,
  });
  cookie.creationIndex = stored.created;
  return cookie;
}

/**
 * What the session would also take from its caller; undefined for anything else, ignored like a site's bad
 * cookies, so that whatever is stored can be sent and read back.
 */
function fromTough(cookie: Cookie): StoredCookie | undefined {
  const { key, value, domain, path, hostOnly, secure, httpOnly, sameSite } = cookie;
  if (!domain) return undefined;
  // Fixed now: tough-cookie counts Max-Age anew from every access, and the cookie would never end.
  const expiresAt = cookie.expiryTime();
  try {
    return readCookieInput(
      { name: key, value, domain: toHost(domain), path, hostOnly, secure, httpOnly, sameSite, expiresAt },
      'cookie',
    );
  } catch {
    return undefined;
  }
}
