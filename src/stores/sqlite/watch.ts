/** How often a waiting process looks whether another has written. */
const POLL_MS = 15;

/**
 * Listeners that are called after another connection has written to the file. Looking costs some microseconds, and
 * is done only while somebody listens; the timer keeps no process alive.
 */
export class Watchers {
  readonly #dataVersion: () => number | undefined;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #seen: number | undefined;

  constructor(dataVersion: () => number | undefined) {
    this.#dataVersion = dataVersion;
  }

  add(listener: () => void): () => void {
    // An object of its own, so that the same function may listen twice.
    const entry = () => listener();
    this.#listeners.add(entry);
    if (this.#timer === undefined) {
      this.#seen = this.#dataVersion();
      this.#timer = setInterval(this.#look, POLL_MS).unref();
    }
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#listeners.clear();
  }

  readonly #look = (): void => {
    const version = this.#dataVersion();
    if (version === this.#seen) return;
    const isFirst = this.#seen === undefined;
    this.#seen = version;
    if (isFirst) return;
    for (const listener of this.#listeners) listener();
  };
}
