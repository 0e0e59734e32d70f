import { whereOf } from '../../session/decision.ts';
import type { SessionStore } from '../../stores/store.ts';
import type { Judgement } from '../../verdict/judge.ts';
import type { PoolEventBus } from '../events.ts';

/** Different users that a URL must have cost before it is the URL's fault. */
const USERS = 3;
/** URLs remembered; those refused longest ago are forgotten first. */
const MAX_URLS = 1_000;

/**
 * URLs that were refused to user after user: forbidden for everybody, they are no user's fault. Known by the whole URL without
 * its fragment, since a query can make all the difference.
 */
export class BadUrls {
  readonly #refusedTo = new Map<string, Set<string>>();
  readonly #store: SessionStore;
  readonly #events: PoolEventBus;

  constructor(store: SessionStore, events: PoolEventBus) {
    this.#store = store;
    this.#events = events;
  }

  /** What a block by this URL comes to: the user's fault, as it was judged, or the URL's, and then it costs nobody anything. */
  judged(url: URL, site: string, sessionId: string, judgement: Judgement): Judgement {
    const key = keyOf(url);
    const users = this.#refusedTo.get(key) ?? new Set();
    // Those refused last are remembered longest.
    this.#refusedTo.delete(key);
    this.#refusedTo.set(key, users);
    if (users.size < USERS) {
      users.add(sessionId);
      if (this.#refusedTo.size > MAX_URLS) this.#refusedTo.delete(this.#refusedTo.keys().next().value!);
      if (users.size < USERS) return judgement;
      this.#events.emit('badUrl', { where: whereOf(url), site, users: USERS });
      void this.#forgive(
        [...users].filter((id) => id !== sessionId),
        site,
      );
    }
    const { verdict, rule, evidence } = judgement;
    return { verdict, rule, evidence: `${evidence}, as for ${USERS} others: a bad URL`, penalty: 'none' };
  }

  /** Those who paid for it before: what blocks them at that site is lifted. */
  async #forgive(ids: readonly string[], site: string): Promise<void> {
    try {
      await this.#store.order({ ids }, { kind: 'lift', site });
    } catch (error) {
      this.#events.emit('error', { error, during: 'lifting the bans for a bad URL' });
    }
  }

  /** It was served to somebody. */
  served(url: URL): void {
    if (this.#refusedTo.size > 0) this.#refusedTo.delete(keyOf(url));
  }
}

function keyOf(url: URL): string {
  const { href, hash } = url;
  return hash === '' ? href : href.slice(0, -hash.length);
}
