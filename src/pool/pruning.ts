import type { PoolContext } from './context.ts';

/** Dead sessions kept for the record, at most. */
const KEEP_AT_MOST = 10_000;
const PER_CALL = 1_000;
const EVERY_MS = 60_000;
/** Where many die, once a minute is too seldom. */
const AFTER_DEATHS = 500;

/** Removes the dead that were kept long enough: little by little, beside the work. */
export class Pruning {
  readonly #context: PoolContext;
  readonly #timer: NodeJS.Timeout;
  #deaths = 0;
  #isPruning = false;

  constructor(context: PoolContext) {
    this.#context = context;
    this.#timer = setInterval(() => void this.#inBackground(), EVERY_MS);
    this.#timer.unref();
  }

  died(): void {
    this.#deaths += 1;
    if (this.#deaths % AFTER_DEATHS === 0) void this.#inBackground();
  }

  /** Removes all there is to remove; answers how many. */
  async prune(): Promise<number> {
    let removed = 0;
    for (;;) {
      const result = await this.#once();
      removed += result.removed;
      if (!result.more) return removed;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #inBackground(): Promise<void> {
    if (this.#isPruning) return;
    this.#isPruning = true;
    try {
      await this.#once();
    } catch (error) {
      this.#context.events.emit('error', { error, during: 'pruning' });
    } finally {
      this.#isPruning = false;
    }
  }

  #once() {
    const { store, settings } = this.#context;
    return store.prune({ olderThanMs: settings.keepRetiredMs, keepAtMost: KEEP_AT_MOST, limit: PER_CALL });
  }
}
