import type { SessionStore } from '../../stores/store.ts';

/** So old may be what is known of how many sessions each proxy has. */
const STALE_MS = 2_000;
/** The same where all seem to be full. */
const STALE_WHEN_FULL_MS = 250;

/**
 * How many living sessions each proxy has: as the store counted them some seconds ago, and what this process has added
 * since. Counting is nothing to do for each new session.
 */
export class ProxyLoad {
  readonly #store: SessionStore;
  readonly #onError: (error: unknown) => void;
  #counts = new Map<string, number>();
  /** Sessions that are being made. */
  readonly #making = new Map<string, number>();
  #countedAt = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | undefined;

  constructor(store: SessionStore, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
  }

  load(): Promise<void> {
    this.#counting ??= this.#count().finally(() => {
      this.#counting = undefined;
    });
    return this.#counting;
  }

  of(tag: string): number {
    return (this.#counts.get(tag) ?? 0) + (this.#making.get(tag) ?? 0);
  }

  /** Counts again, beside the work, what was counted too long ago. */
  look(isFull = false): void {
    const age = performance.now() - this.#countedAt;
    if (age > (isFull ? STALE_WHEN_FULL_MS : STALE_MS)) this.load().catch(this.#onError);
  }

  /** A session is being made there... */
  begin(tag: string): void {
    this.#making.set(tag, (this.#making.get(tag) ?? 0) + 1);
  }

  /** ...and was, or was not. */
  end(tag: string, isMade: boolean): void {
    const making = (this.#making.get(tag) ?? 1) - 1;
    if (making > 0) this.#making.set(tag, making);
    else this.#making.delete(tag);
    if (isMade) this.#counts.set(tag, (this.#counts.get(tag) ?? 0) + 1);
  }

  /** The store says that it has as many as it may. */
  isFull(tag: string, limit: number): void {
    this.#counts.set(tag, limit);
  }

  async #count(): Promise<void> {
    this.#countedAt = performance.now();
    const { tags } = await this.#store.count();
    this.#counts = new Map(Object.entries(tags));
  }
}
