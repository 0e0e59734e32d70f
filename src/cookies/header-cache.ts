import type { BoundedStore } from './bounded-store.ts';
import { isSecure, type SessionJar } from './session-jar.ts';

/** Hosts, and paths of one host, remembered at once; a page with its subresources needs a few. */
const maxRemembered = 64;

/**
 * The `Cookie` headers that a jar gave, until the cookies change or one expires: a jar takes ~1 µs per cookie
 * for each. A host whose cookies are all for path `/` has one header for every path.
 */
export class HeaderCache {
  readonly #hosts = new Map<string, string | Map<string, string>>();
  #revision = -1;
  #validUntil = 0;

  header(jar: SessionJar, store: BoundedStore, url: URL): string {
    if (store.size === 0) return '';
    const now = Date.now();
    if (this.#revision !== store.revision || now >= this.#validUntil) {
      store.prune(now);
      this.#hosts.clear();
      this.#revision = store.revision;
      this.#validUntil = store.nextExpiry;
    }
    const host = isSecure(url) ? url.hostname : `!${url.hostname}`;
    let known = this.#hosts.get(host);
    if (known === undefined) {
      const cookies = store.ofSiteOf(url.hostname);
      known = cookies.every((cookie) => cookie.path === '/') ? jar.getCookieStringSync(url) : new Map();
      remember(this.#hosts, host, known);
    }
    if (typeof known === 'string') return known;
    let header = known.get(url.pathname);
    if (header === undefined) {
      header = jar.getCookieStringSync(url);
      remember(known, url.pathname, header);
    }
    return header;
  }

  /** Forgets all, for a session that goes to rest: the memory is worth more then. */
  clear(): void {
    this.#hosts.clear();
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= maxRemembered) map.clear();
  map.set(key, value);
}
