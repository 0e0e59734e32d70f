import { decodeBody, encodeBody, type SessionBody } from '../session/body.ts';
import type { StoredSession } from '../stores/store.ts';

/**
 * Turns what a store keeps into a session's body and back.
 *
 * A store of text would cost a codec pass a lease (60 µs for ten cookies): the bodies last given back are remembered
 * with their text, and a session that comes with the very same text is not decoded again.
 */
export class BodyCache {
  readonly #isLive: boolean;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, { text: string; body: SessionBody; fence: number }>();

  constructor(bodies: 'live' | 'text', maxEntries: number) {
    this.#isLive = bodies === 'live';
    this.#maxEntries = maxEntries;
  }

  /**
   * For the holder of the lease with this fence.
   * @throws StateError where the stored text is malformed or needs a newer troupe
   */
  read(stored: Readonly<StoredSession>, isRecovered: boolean, fence: number): SessionBody {
    if (this.#isLive) {
      const body = stored.body as SessionBody;
      // A task that lost its lease may still hold the jar: the next one gets a copy, and gives that back.
      return isRecovered && body.cookies ? { ...body, cookies: body.cookies.clone() } : body;
    }
    const text = stored.body as string;
    const known = this.#entries.get(stored.id);
    // Another lease in between may have been lost by a task of ours that still holds the remembered objects.
    if (known && known.text === text && known.fence === fence - 1) return known.body;
    return decodeBody(text, stored.maxUsageCount);
  }

  /** To look at, now. @throws StateError as above */
  view(stored: Readonly<StoredSession>): SessionBody {
    return this.#isLive
      ? (stored.body as SessionBody)
      : decodeBody(stored.body as string, stored.maxUsageCount);
  }

  /** What the store is to keep. */
  write(body: SessionBody): unknown {
    return this.#isLive ? body : encodeBody(body);
  }

  /** A session was given back by the lease with this fence, its body unchanged. */
  keep(id: string, body: SessionBody | undefined, fence: number): void {
    const known = this.#entries.get(id);
    if (known && known.body === body) known.fence = fence;
  }

  /** A session was given back by the lease with this fence, with this body, written as this text. */
  remember(id: string, body: SessionBody, written: unknown, fence: number): void {
    if (this.#isLive) return;
    this.#entries.delete(id);
    this.#entries.set(id, { text: written as string, body, fence });
    if (this.#entries.size > this.#maxEntries) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }
}
