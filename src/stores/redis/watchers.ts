import type { RedisConnection } from './client.ts';

/** While somebody watches, the server is told so anew before it forgets (after a minute). */
const TELL_AGAIN_MS = 20_000;
const TRY_AGAIN_MS = 1000;

interface WatchersOptions {
  channel: string;
  /** What our own messages say: they are not for us. */
  ownName: string;
  connect(): Promise<RedisConnection>;
  /** Tells the server that somebody waits. */
  tellWaiting(): Promise<unknown>;
}

/**
 * Listeners that are called when another process has freed a session. The subscription is made for the first of them, and
 * kept: who waits once will wait again. Nothing is published where nobody waits.
 */
export class Watchers {
  readonly #options: WatchersOptions;
  readonly #listeners = new Set<() => void>();
  #subscriber: Promise<RedisConnection | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: WatchersOptions) {
    this.#options = options;
  }

  add(listener: () => void): () => void {
    // An object of its own, so that the same function may listen twice.
    const entry = () => listener();
    this.#listeners.add(entry);
    this.#subscriber ??= this.#subscribe();
    if (this.#timer === undefined) {
      this.#tell();
      this.#timer = setInterval(this.#tell, TELL_AGAIN_MS).unref();
    }
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#listeners.clear();
    const subscriber = await this.#subscriber;
    if (subscriber?.isOpen) subscriber.destroy();
  }

  /** A call that finds no server is made again with the next one. */
  readonly #tell = (): void => {
    this.#options.tellWaiting().catch(() => {});
  };

  async #subscribe(): Promise<RedisConnection | undefined> {
    const { channel, ownName, connect } = this.#options;
    let subscriber: RedisConnection | undefined;
    try {
      subscriber = await connect();
      subscriber.on('error', () => {});
      // After a break, too: what was published meanwhile is lost.
      subscriber.on('ready', this.#wake);
      await subscriber.connect();
      await subscriber.subscribe(channel, (from) => {
        if (from !== ownName) this.#wake();
      });
      this.#wake();
      return subscriber;
    } catch {
      if (subscriber?.isOpen) subscriber.destroy();
      this.#subscriber = undefined;
      // Those who wait look for themselves from time to time; this only makes it quick again.
      setTimeout(() => {
        if (this.#listeners.size > 0 && !this.#isClosed) this.#subscriber ??= this.#subscribe();
      }, TRY_AGAIN_MS).unref();
      return undefined;
    }
  }

  readonly #wake = (): void => {
    for (const listener of [...this.#listeners]) listener();
  };
}
