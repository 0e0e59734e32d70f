import type { CookieJar } from 'tough-cookie';
import { TroupeError } from '../errors.ts';
import { fail } from '../internal/options.ts';
import { BoundedStore, byteLength, type CookieLimits } from './bounded-store.ts';
import {
  type CookieJson,
  hasSameContent,
  isSameCookie,
  type SessionCookie,
  type StoredCookie,
  toCookieJson,
  toPlain,
} from './cookie.ts';
import { type CookieInput, readCookieInput, readJar } from './cookie-input.ts';
import { HeaderCache } from './header-cache.ts';
import { isSecureUrl, overlaysSecure, readSetCookie } from './set-cookie.ts';
import { siteOfHost } from './site.ts';
import { makeJar } from './tough-store.ts';

/** Which cookies of a name are meant; all of them without it. */
export interface CookiePlace {
  /** The cookie's own domain, letter by letter; a leading dot does not count. */
  domain?: string;
  path?: string;
}

/** What the `cookies` option of a session takes. */
export type SessionCookiesInput =
  | SessionCookies
  | CookieJar
  | Iterable<CookieInput>
  | Readonly<Record<string, string>>;

/** What passes from one handle to the next. */
interface Contents {
  readonly store: BoundedStore;
  readonly headers: HeaderCache;
  json: readonly CookieJson[] | undefined;
  /** {@link BoundedStore.changes} when `json` was made. */
  jsonChanges: number;
}

/**
 * The cookies of one simulated user: stored and sent as browsers do it (RFC 6265bis), bounded against hostile
 * sites. A cookie given without a domain is kept aside until {@link bindTo} says which host it is for.
 *
 * `Secure` cookies are taken from and sent to https only, not to http://localhost. Values are byte strings, as
 * in Node's HTTP headers. Printing one shows counts only.
 */
export class SessionCookies {
  #limits: CookieLimits | undefined;
  #contents: Contents | undefined;
  #jar: CookieJar | undefined;
  #makeError: (() => Error) | undefined;

  /** No cookies yet, and nothing allocated for them. @param limits how many and how large they may be */
  constructor(limits?: CookieLimits) {
    // Checked now, not at the first cookie: an error belongs where the option was written.
    if (limits) this.#contents = makeContents(limits);
    this.#limits = limits;
  }

  /**
   * Cookies of what the `cookies` option of a session takes: name → value, a list of cookie objects, a
   * tough-cookie jar (any version, with a synchronous store) or another `SessionCookies`; always a copy.
   * Throws an {@link OptionError} that names the field, never its content.
   *
   * @param path how the option is named in errors; `cookies` by default
   */
  static from(
    input: SessionCookiesInput,
    options: { limits?: CookieLimits; path?: string } = {},
  ): SessionCookies {
    const path = options.path ?? 'cookies';
    if (input instanceof SessionCookies) return input.clone();
    if (input === null || typeof input !== 'object') {
      fail(path, 'an object of names and values, a list of cookies or a cookie jar', input);
    }
    const cookies = new SessionCookies(options.limits);
    const list = Symbol.iterator in input ? input : readJar(input, path);
    if (list) {
      let index = 0;
      for (const item of list) cookies.#put(readCookieInput(item, `${path}.${index}`), `${path}.${index++}`);
    } else {
      for (const [name, value] of Object.entries(input)) {
        cookies.#put(readCookieInput({ name, value }, `${path}.${name}`), `${path}.${name}`);
      }
    }
    return cookies;
  }

  /** The inverse of {@link toJSON}; expired cookies are left out. Throws an {@link OptionError} that names the field. */
  static fromJSON(json: unknown, options: { limits?: CookieLimits; path?: string } = {}): SessionCookies {
    if (!Array.isArray(json)) fail(options.path ?? 'cookies', 'an array of cookies', json);
    return SessionCookies.from(json, options);
  }

  /** Cookies that have not expired, those not bound to a host included. */
  get size(): number {
    return this.#read()?.store.size ?? 0;
  }

  /** Rises with every change, through {@link jar} too; not by reading, nor because a cookie expired. */
  get revision(): number {
    return this.#open()?.store.revision ?? 0;
  }

  /** False while a cookie waits for {@link bindTo}. */
  get isBound(): boolean {
    return (this.#open()?.store.ofSite('').length ?? 0) === 0;
  }

  /**
   * The same cookies as a tough-cookie jar, for got and other clients: bounded and counted like all others.
   * Cookies that are not bound to a host are not in it.
   */
  get jar(): CookieJar {
    this.#open();
    this.#jar ??= makeJar(() => this.#make().store);
    return this.#jar;
  }

  /**
   * Sets a cookie; one that has already expired deletes. Without a domain it waits for {@link bindTo}. Throws
   * an {@link OptionError} for what no cookie can be, also when it is larger than `maxBytes`.
   */
  set(name: string, value: string, options?: Omit<CookieInput, 'name' | 'key' | 'value'>): this;
  set(cookie: CookieInput): this;
  set(nameOrCookie: string | CookieInput, value?: string, options?: object): this {
    this.#open();
    const input = typeof nameOrCookie === 'string' ? { ...options, name: nameOrCookie, value } : nameOrCookie;
    this.#put(readCookieInput(input, 'cookie'), 'cookie');
    return this;
  }

  /** The value of a cookie; of several with this name, the one written last. */
  get(name: string, place?: CookiePlace): string | undefined {
    return this.#find(name, place)?.value;
  }

  /** A cookie with all it has; of several with this name, the one written last. */
  find(name: string, place?: CookiePlace): SessionCookie | undefined {
    const found = this.#find(name, place);
    return found && toPlain(found);
  }

  has(name: string, place?: CookiePlace): boolean {
    return this.#find(name, place) !== undefined;
  }

  /** Deletes all cookies of that name (and place); whether there was any. */
  delete(name: string, place?: CookiePlace): boolean {
    const store = this.#read()?.store;
    return store !== undefined && store.remove(isMeant(name, place)) > 0;
  }

  clear(): void {
    this.#open()?.store.clear();
  }

  /** Name → value, in the order of creation. Of several with one name, the one written last. */
  toObject(): Record<string, string> {
    const byName = new Map<string, StoredCookie>();
    for (const cookie of this.#all()) {
      const other = byName.get(cookie.name);
      if (!other || other.written < cookie.written) byName.set(cookie.name, cookie);
    }
    return Object.fromEntries([...byName].map(([name, cookie]) => [name, cookie.value]));
  }

  /** Copies of the cookies, in the order of creation. */
  *[Symbol.iterator](): Generator<SessionCookie, void, undefined> {
    for (const cookie of this.#all()) yield toPlain(cookie);
  }

  /** The `Cookie` header for a URL (RFC 6265bis §5.8.3), `''` for none. Throws a TypeError for what is no URL. */
  header(url: URL | string): string {
    const contents = this.#open();
    if (!contents) return '';
    return contents.headers.header(contents.store, toUrl(url), Date.now());
  }

  /**
   * Stores what a response of `url` sets. What a browser would ignore is ignored: foreign domains, public
   * suffixes, broken prefixes, too large ones. No header makes it throw. Says how many are stored now.
   */
  storeFromResponse(url: URL | string, setCookieHeaders: readonly string[]): number {
    this.#open();
    if (setCookieHeaders.length === 0) return 0;
    const from = toUrl(url);
    const origin = { host: from.hostname, path: from.pathname, isSecure: isSecureUrl(from) };
    const now = Date.now();
    let count = 0;
    for (const header of setCookieHeaders) {
      const cookie = readSetCookie(header, origin, now);
      if (!cookie) continue;
      const { store } = this.#make();
      if (!origin.isSecure && overlaysSecure(cookie, store)) continue;
      if (store.put(cookie, now)) count++;
    }
    return count;
  }

  /**
   * Binds the cookies that were given without a domain to the host of a URL, for that host alone and for good.
   * Says how many. Cheap when there are none: to be called with every URL that the caller fetches.
   */
  bindTo(url: URL | string): number {
    const contents = this.#open();
    if (!contents || contents.store.ofSite('').length === 0) return 0;
    const domain = toUrl(url).hostname;
    const waiting = [...contents.store.ofSite('')].sort((a, b) => a.created - b.created);
    contents.store.remove(() => true, '');
    for (const cookie of waiting) contents.store.put({ ...cookie, domain, hostOnly: true }, Date.now());
    return waiting.length;
  }

  /**
   * Plain data for {@link fromJSON}: frozen, and the very same array until something changes.
   */
  toJSON(): readonly CookieJson[] {
    const contents = this.#read();
    if (!contents) return [];
    if (!contents.json || contents.jsonChanges !== contents.store.changes) {
      contents.json = Object.freeze(
        contents.store.all().map((cookie) => Object.freeze(toCookieJson(cookie))),
      );
      contents.jsonChanges = contents.store.changes;
    }
    return contents.json;
  }

  /** Whether both hold the same cookies, in any order. */
  equals(other: SessionCookies): boolean {
    const mine = this.#all();
    const theirs = other.#all();
    if (mine.length !== theirs.length) return false;
    const store = other.#contents?.store;
    return mine.every((cookie) => {
      const site = cookie.domain === '' ? '' : siteOfHost(cookie.domain);
      const same = store?.ofSite(site).find((candidate) => isSameCookie(candidate, cookie));
      return same !== undefined && hasSameContent(same, cookie);
    });
  }

  /** The same cookies once more; changes of one do not show in the other. */
  clone(): SessionCookies {
    const copy = new SessionCookies(this.#limits);
    const now = Date.now();
    for (const cookie of this.#all()) copy.#make().store.put(cookie, now);
    return copy;
  }

  /**
   * Ends this handle: every later use of it, or of its {@link jar}, throws what `makeError` makes. The cookies
   * live on in {@link takeOver}.
   */
  detach(makeError: () => Error): void {
    this.#makeError ??= makeError;
  }

  /**
   * A new handle over the same cookies, without copying: how a pool hands them from one lease to the next.
   * Ends this one, if {@link detach} has not.
   */
  takeOver(): SessionCookies {
    this.detach(() => new TroupeError('LEASE_ENDED', 'these cookies were handed on to another holder'));
    const next = new SessionCookies();
    next.#limits = this.#limits;
    next.#contents = this.#contents;
    this.#contents?.headers.clear();
    this.#contents = undefined;
    return next;
  }

  /** Counts only, as everything that prints a session's cookies does. */
  toString(): string {
    if (this.#makeError) return 'SessionCookies (ended)';
    const store = this.#read()?.store;
    const waiting = store?.ofSite('').length ?? 0;
    return `SessionCookies (${store?.size ?? 0} of ${store?.siteCount ?? 0} sites${waiting ? `, ${waiting} not bound to a host` : ''})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  #put(cookie: StoredCookie, path: string): void {
    const { store } = this.#make();
    const { maxBytes } = store.limits;
    if (byteLength(cookie) > maxBytes) {
      fail(`${path}.value`, `with its name at most ${maxBytes} bytes (RFC 6265bis §5.6)`, cookie.value);
    }
    store.put(cookie, Date.now());
  }

  #find(name: string, place: CookiePlace | undefined): StoredCookie | undefined {
    let found: StoredCookie | undefined;
    const matches = isMeant(name, place);
    for (const cookie of this.#all()) {
      if (matches(cookie) && (!found || found.written < cookie.written)) found = cookie;
    }
    return found;
  }

  #all(): readonly StoredCookie[] {
    return this.#read()?.store.all() ?? [];
  }

  /** The contents without what has expired. */
  #read(): Contents | undefined {
    const contents = this.#open();
    contents?.store.prune(Date.now());
    return contents;
  }

  #open(): Contents | undefined {
    if (this.#makeError) throw this.#makeError();
    return this.#contents;
  }

  #make(): Contents {
    this.#open();
    this.#contents ??= makeContents(this.#limits);
    return this.#contents;
  }
}

function makeContents(limits: CookieLimits | undefined): Contents {
  return { store: new BoundedStore(limits), headers: new HeaderCache(), json: undefined, jsonChanges: -1 };
}

function isMeant(name: string, place: CookiePlace | undefined): (cookie: StoredCookie) => boolean {
  const domain = place?.domain?.replace(/^\./, '').toLowerCase();
  return (cookie) =>
    cookie.name === name &&
    (domain === undefined || cookie.domain === domain) &&
    (place?.path === undefined || cookie.path === place.path);
}

function toUrl(url: URL | string): URL {
  return typeof url === 'string' ? new URL(url) : url;
}
