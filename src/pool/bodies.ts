import { decodeBody, encodeBody, type SessionBody } from '../session/body.ts';
import type { StoredSession } from '../stores/store.ts';

/**
 * Turns what a store keeps into a session's body and back.
 *
 * A store of text would cost a codec pass a lease (60 µs for ten cookies): the bodies last given back are remembered
 * with their text, and a session that comes with the very same text is not decoded again. A body is never changed in place, so that a task which
 * lost its lease reaches nobody's.
 */
export class BodyCache {
  readonly #isLive: boolean;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, { text: string; body: SessionBody }>();

  constructor(bodies: 'live' | 'text', maxEntries: number) {
    this.#isLive = bodies === 'live';
    this.#maxEntries = maxEntries;
  }

  /** @throws StateError where the stored text is malformed or needs a newer troupe */
  read(stored: Readonly<StoredSession>): SessionBody {
    if (this.#isLive) return stored.body as SessionBody;
    const text = stored.body as string;
    const known = this.#entries.get(stored.id);
    if (known?.text === text) return known.body;
    return decodeBody(text, stored.maxUsageCount);
  }

  /** What the store is to keep. */
  write(body: SessionBody): unknown {
    if (!this.#isLive) return encodeBody(body);
    // A copy, which costs nothing until it changes: the holder may go on with its own.
    return body.cookies ? { ...body, cookies: body.cookies.clone() } : body;
  }

  /** A session was given back with this body, written as this text. */
  remember(id: string, body: SessionBody, written: unknown): void {
    if (this.#isLive) return;
    this.#entries.delete(id);
    this.#entries.set(id, { text: written as string, body });
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
