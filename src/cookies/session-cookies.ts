import { type Cookie, type CookieJar, canonicalDomain } from 'tough-cookie';
import { fail } from '../internal/options.ts';
import { toUrl } from '../internal/url.ts';
import { type CookieJson, hasSameContent, type SessionCookie, toPlain } from './cookie.ts';
import { CookieBox } from './cookie-box.ts';
import { type CookieInput, readCookieInput, readJar } from './cookie-input.ts';
import { type CookieLimits, checkCookieLimits } from './cookie-limits.ts';
import { SessionJar } from './session-jar.ts';

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

/**
 * The cookies of one simulated user: tough-cookie stores and sends them as browsers do it (RFC 6265bis), bounded
 * against hostile sites; {@link SessionJar} says where it differs. A cookie given without a domain is kept aside
 * until {@link bindTo} says which host it is for.
 *
 * Values are byte strings, as in Node's HTTP headers. Printing one shows counts only.
 */
export class SessionCookies {
  readonly #limits: CookieLimits | undefined;
  /** Made with the first cookie. */
  #box: CookieBox | undefined;
  #jar: CookieJar | undefined;
  #makeError: (() => Error) | undefined;

  /** No cookies yet, and nothing allocated for them. @param limits how many and how large they may be */
  constructor(limits?: CookieLimits) {
    // Checked now, not at the first cookie: an error belongs where the option was written.
    checkCookieLimits(limits);
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
      for (const item of list) cookies.#put(item, `${path}.${index++}`);
    } else {
      for (const [name, value] of Object.entries(input)) {
        cookies.#put({ name, value }, `${path}.${name}`);
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
    return this.#box?.pruned().size ?? 0;
  }

  /** Rises with every change, through {@link jar} too; not by reading, nor because a cookie expired. */
  get revision(): number {
    return this.#open()?.store.revision ?? 0;
  }

  /** False while a cookie waits for {@link bindTo}. */
  get isBound(): boolean {
    return !this.#open()?.store.hasUnbound;
  }

  /**
   * The same cookies as a tough-cookie jar, for got and other clients: bounded and counted like all others.
   * Cookies that are not bound to a host are not in it. The `Cookie` objects it gives are the stored ones: to
   * change one, set it again.
   */
  get jar(): CookieJar {
    this.#open();
    this.#jar ??= new SessionJar(this.#make().store, () => this.#open());
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
    this.#put(
      typeof nameOrCookie === 'string' ? { ...options, name: nameOrCookie, value } : nameOrCookie,
      'cookie',
    );
    return this;
  }

  /** The value of a cookie; of several with this name, the one written last. */
  get(name: string, place?: CookiePlace): string | undefined {
    return this.#meant(name, place).at(-1)?.value;
  }

  /** A cookie with all it has; of several with this name, the one written last. */
  find(name: string, place?: CookiePlace): SessionCookie | undefined {
    const found = this.#meant(name, place).at(-1);
    return found && toPlain(found);
  }

  has(name: string, place?: CookiePlace): boolean {
    return this.#meant(name, place).length > 0;
  }

  /** Deletes all cookies of that name (and place); whether there was any. */
  delete(name: string, place?: CookiePlace): boolean {
    const meant = this.#meant(name, place);
    this.#box?.store.remove(meant);
    return meant.length > 0;
  }

  clear(): void {
    this.#open()?.store.removeAllCookies();
  }

  /** Name → value. Of several with one name, the one written last. */
  toObject(): Record<string, string> {
    const cookies = [...(this.#open()?.pruned().all() ?? [])];
    return Object.fromEntries(cookies.map(({ key, value }) => [key, value]));
  }

  /** Copies of the cookies, in the order of creation. */
  *[Symbol.iterator](): Generator<SessionCookie, void, undefined> {
    for (const cookie of this.#open()?.byCreation() ?? []) yield toPlain(cookie);
  }

  /** The `Cookie` header for a URL (RFC 6265bis §5.8.3), `''` for none. Throws a TypeError for what is no URL. */
  header(url: URL | string): string {
    return this.#open()?.header(toUrl(url)) ?? '';
  }

  /**
   * Stores what a response of `url` sets. What a browser would ignore is ignored: foreign domains, public
   * suffixes, broken prefixes, too large ones. No header makes it throw. Says how many are stored now.
   */
  storeFromResponse(url: URL | string, setCookieHeaders: readonly string[]): number {
    this.#open();
    return setCookieHeaders.length === 0 ? 0 : this.#make().storeAll(toUrl(url), setCookieHeaders);
  }

  /**
   * Binds the cookies that were given without a domain to the host of a URL, for that host alone and for good.
   * Says how many. Cheap when there are none: to be called with every URL that the caller fetches.
   */
  bindTo(url: URL | string): number {
    const box = this.#open();
    return box?.store.hasUnbound ? box.bindTo(toUrl(url).hostname) : 0;
  }

  /** Plain data for {@link fromJSON}: frozen, and the very same array until something changes. */
  toJSON(): readonly CookieJson[] {
    return this.#box?.toJSON() ?? [];
  }

  /** Whether both hold the same cookies, in any order. */
  equals(other: SessionCookies): boolean {
    const mine = this.#open()?.pruned();
    const theirs = other.#open()?.pruned();
    if ((mine?.size ?? 0) !== (theirs?.size ?? 0)) return false;
    return [...(mine?.all() ?? [])].every((cookie) => {
      const same = theirs?.same(cookie);
      return same !== undefined && hasSameContent(same, cookie);
    });
  }

  /**
   * Ends this handle: every later use of it, or of its {@link jar}, throws what `makeError` makes, except for
   * `size`, {@link toJSON} and {@link clone}, by which a pool keeps it as what is stored.
   */
  detach(makeError: () => Error): void {
    this.#makeError ??= makeError;
  }

  /**
   * The same cookies once more, cheaply; changes of one do not show in the other. Of an ended handle, too: it is how a
   * pool hands what is stored to each lease, so that a holder who lost its lease can reach nobody's cookies.
   */
  clone(): SessionCookies {
    const copy = new SessionCookies(this.#limits);
    copy.#box = this.#box?.fork();
    return copy;
  }

  /** Counts only, as everything that prints a session's cookies does. */
  toString(): string {
    if (this.#makeError) return 'SessionCookies (ended)';
    const store = this.#box?.pruned();
    const waiting = store?.ofSiteOf('').length ?? 0;
    return `SessionCookies (${store?.size ?? 0} of ${store?.siteCount ?? 0} sites${waiting ? `, ${waiting} not bound to a host` : ''})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  #put(input: unknown, path: string): void {
    const cookie = readCookieInput(input, path);
    const { store } = this.#make();
    const { maxBytes } = store.limits;
    if (cookie.key.length + cookie.value.length > maxBytes) {
      fail(`${path}.value`, `with its name at most ${maxBytes} bytes (RFC 6265bis §5.6)`, cookie.value);
    }
    store.put(cookie);
  }

  /** The oldest write first. */
  #meant(name: string, place: CookiePlace | undefined): Cookie[] {
    const domain = place?.domain === undefined ? undefined : canonicalDomain(place.domain);
    return [...(this.#open()?.pruned().all() ?? [])].filter(
      (cookie) =>
        cookie.key === name &&
        (domain === undefined || cookie.domain === domain) &&
        (place?.path === undefined || cookie.path === place.path),
    );
  }

  #open(): CookieBox | undefined {
    if (this.#makeError) throw this.#makeError();
    return this.#box;
  }

  #make(): CookieBox {
    this.#box ??= new CookieBox(this.#limits);
    return this.#box;
  }
}
