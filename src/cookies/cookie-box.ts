import { Cookie } from 'tough-cookie';
import { BoundedStore, byCreation } from './bounded-store.ts';
import { type CookieJson, toCookieJson } from './cookie.ts';
import type { CookieLimits } from './cookie-limits.ts';
import { HeaderCache } from './header-cache.ts';
import { SessionJar } from './session-jar.ts';

/** The cookies of one session behind their handles: the store, the jar that is the engine, and what was made of them. */
export class CookieBox {
  readonly store: BoundedStore;
  readonly #jar: SessionJar;
  readonly #headers = new HeaderCache();
  #json: readonly CookieJson[] | undefined;
  #jsonRevision = -1;
  #jsonSize = -1;

  constructor(limits?: CookieLimits) {
    this.store = new BoundedStore(limits);
    this.#jar = new SessionJar(this.store);
  }

  /** The store without what has expired. */
  pruned(): BoundedStore {
    this.store.prune();
    return this.store;
  }

  byCreation(): Cookie[] {
    return byCreation(this.pruned().all());
  }

  header(url: URL): string {
    return this.#headers.header(this.#jar, this.store, url);
  }

  storeAll(url: URL, headers: readonly string[]): number {
    const before = this.store.writes;
    for (const header of headers) this.#jar.setCookieSync(header, url, { ignoreError: true });
    return this.store.writes - before;
  }

  bindTo(hostname: string): number {
    const waiting = this.store.ofSiteOf('');
    this.store.remove(waiting);
    for (const cookie of waiting) {
      cookie.domain = hostname.replace(/^\[(.*)\]$/, '$1');
      this.store.put(cookie);
    }
    return waiting.length;
  }

  toJSON(): readonly CookieJson[] {
    const { revision, size } = this.pruned();
    // Cookies that expired are gone without a new revision.
    if (!this.#json || this.#jsonRevision !== revision || this.#jsonSize !== size) {
      this.#json = Object.freeze(this.byCreation().map((cookie) => Object.freeze(toCookieJson(cookie))));
      this.#jsonRevision = revision;
      this.#jsonSize = size;
    }
    return this.#json;
  }

  clone(): CookieBox {
    const copy = new CookieBox(this.store.limits);
    for (const cookie of this.pruned().all()) {
      const twin = new Cookie(cookie as object);
      twin.creationIndex = cookie.creationIndex;
      copy.store.put(twin);
    }
    return copy;
  }

  /** Gives memory back while the session rests. */
  forget(): void {
    this.#headers.clear();
  }
}
