import { decodeBody, encodeBody, isLazy, isWhole, type LazyBody, type SessionBody } from '../session/body.ts';
import type { StoredSession } from '../stores/store.ts';
import { requireClear, type Sealing } from './encryption/sealing.ts';

/**
 * Turns what a store keeps into a session's body and back: text, sealed where there is a key.
 *
 * A store of text would cost a codec pass a lease (60 µs for ten cookies). So a text is decoded when its session is first
 * asked for something in it; only whether it can be is looked at when it is leased. And the bodies last seen are remembered
 * with their text: a session that comes with the very same text is neither opened nor decoded again. A body is never changed
 * in place, so that a task which lost its lease reaches nobody's.
 */
export class BodyCache {
  readonly #isLive: boolean;
  readonly #maxEntries: number;
  readonly #sealing: Sealing | undefined;
  readonly #entries = new Map<string, { text: string; body: SessionBody }>();

  constructor(bodies: 'live' | 'text', maxEntries: number, sealing?: Sealing) {
    this.#isLive = bodies === 'live';
    this.#maxEntries = maxEntries;
    this.#sealing = sealing;
  }

  /** @throws StateError where the stored text is malformed, needs a newer troupe, or is sealed with another key */
  read(stored: Readonly<StoredSession>): SessionBody {
    const body = this.open(stored);
    return isLazy(body) ? body.read() : body;
  }

  /**
   * The body, or, of a text that is as a troupe of this version wrote it, how to read it.
   * @throws StateError as {@link read} does
   */
  open(stored: Readonly<StoredSession>): SessionBody | LazyBody {
    if (this.#isLive) return stored.body as SessionBody;
    const { id, maxUsageCount } = stored;
    const text = stored.body as string;
    const known = this.#entries.get(id);
    if (known?.text === text) return known.body;
    const clear = this.#sealing ? this.#sealing.open(id, text) : requireClear(id, text);
    const unread = new UnreadBody(this, id, maxUsageCount, text, clear);
    return isWhole(clear) ? unread : unread.read();
  }

  /** What the store is to keep. */
  write(id: string, body: SessionBody): unknown {
    if (!this.#isLive) {
      const text = encodeBody(body);
      return this.#sealing ? this.#sealing.seal(id, text) : text;
    }
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

/** What was stored, opened but not decoded. */
class UnreadBody implements LazyBody {
  readonly maxUsageCount: number | null;
  body: SessionBody | undefined = undefined;
  readonly #cache: BodyCache;
  readonly #id: string;
  readonly #stored: string;
  readonly #clear: string;

  constructor(cache: BodyCache, id: string, maxUsageCount: number | null, stored: string, clear: string) {
    this.maxUsageCount = maxUsageCount;
    this.#cache = cache;
    this.#id = id;
    this.#stored = stored;
    this.#clear = clear;
  }

  read(): SessionBody {
    if (this.body === undefined) {
      this.body = decodeBody(this.#clear, this.maxUsageCount);
      this.#cache.remember(this.#id, this.body, this.#stored);
    }
    return this.body;
  }
}
