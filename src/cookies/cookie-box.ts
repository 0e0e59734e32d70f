import { Cookie } from 'tough-cookie';
import { BoundedStore, byCreation } from './bounded-store.ts';
import { type CookieJson, toCookieJson } from './cookie.ts';
import type { CookieLimits } from './cookie-limits.ts';
import { HeaderCache } from './header-cache.ts';
import { SessionJar } from './session-jar.ts';

/** The cookies behind a handle: the store, the jar that is the engine, and what was made of them. */
export class CookieBox {
  readonly store: BoundedStore;
  #jar: SessionJar | undefined;
  readonly #headers = new HeaderCache();
  #json: readonly CookieJson[] | undefined;
  #jsonRevision = -1;
  #jsonSize = -1;

  constructor(limits?: CookieLimits, store = new BoundedStore(limits)) {
    this.store = store;
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
    return this.#headers.header(this.#engine(), this.store, url);
  }

  storeAll(url: URL, headers: readonly string[]): number {
    const before = this.store.writes;
    const jar = this.#engine();
    for (const header of headers) jar.setCookieSync(header, url, { ignoreError: true });
    return this.store.writes - before;
  }

  bindTo(hostname: string): number {
    const waiting = this.store.ofSiteOf('');
    this.store.remove(waiting);
    for (const cookie of waiting) {
      // A twin: the stored one may be another handle's, too.
      const bound = twin(cookie);
      bound.domain = hostname.replace(/^\[(.*)\]$/, '$1');
      this.store.put(bound);
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

  /** The same cookies for another handle; changes of one do not show in the other. */
  fork(): CookieBox {
    const fork = new CookieBox(undefined, this.pruned().fork());
    fork.#json = this.#json;
    fork.#jsonRevision = this.#jsonRevision;
    fork.#jsonSize = this.#jsonSize;
    return fork;
  }

  #engine(): SessionJar {
    this.#jar ??= new SessionJar(this.store);
    return this.#jar;
  }
}

function twin(cookie: Cookie): Cookie {
  const copy = new Cookie(cookie as object);
  copy.creationIndex = cookie.creationIndex;
  return copy;
}
