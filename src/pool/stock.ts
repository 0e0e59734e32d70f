import { NoAccountLeft } from './accounts/pool-accounts.ts';
import type { Acquirer } from './acquire.ts';
import type { PoolContext } from './context.ts';
import { NoProxyError } from './creation.ts';
import { isStoreAway } from './outage.ts';
import type { StockNotice } from './stock-notice.ts';

/** Sessions made at once for the stock: a site is not to see a crowd log in. */
const AT_ONCE = 4;
const LOOK_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/**
 * Keeps some sessions ready, made in the background: of all processes that would, one at a time, so that they make no
 * more together than one alone would.
 */
export class Stock {
  readonly #context: PoolContext;
  readonly #acquirer: Acquirer;
  readonly #notice: StockNotice;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #failures = 0;

  constructor(context: PoolContext, acquirer: Acquirer, notice: StockNotice) {
    this.#context = context;
    this.#acquirer = acquirer;
    this.#notice = notice;
  }

  start(): void {
    const { minReady, create } = this.#context.settings;
    if (minReady > 0 && create) this.#lookIn(0);
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the pool closes'));
    clearTimeout(this.#timer);
    await this.#looking;
    await Promise.all(this.#underWay);
    // Else it runs out.
    if (this.#context.settings.minReady > 0) await this.#notice.takeBack().catch(() => {});
  }

  /** The timer keeps the process alive: a process that only fills the stock has nothing else to do. */
  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
        this.#lookIn(this.#pauseMs);
      });
    }, ms);
  }

  async #look(): Promise<void> {
    try {
      if (!(await this.#notice.give())) return;
      while (this.#underWay.size < AT_ONCE && (await this.#makeOne()));
    } catch (error) {
      // That the store is away has been told.
      this.#failed(error);
    }
  }

  /** Answers whether there was one to make. */
  async #makeOne(): Promise<boolean> {
    const { store, settings } = this.#context;
    if (this.#failures > 0 && this.#underWay.size > 0) return false;
    // Before the count: one that ends meanwhile is counted twice, and made a little later.
    const underWay = this.#underWay.size;
    const { ready } = await store.count();
    if (ready + underWay >= settings.minReady || this.#stop.signal.aborted) return false;
    const making = await this.#acquirer.makeForStock(settings.maxPoolSize, this.#stop.signal);
    if (!making) return false;
    const work = making.lease
      .then(async (lease) => {
        this.#failures = 0;
        await lease.release();
      })
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#underWay.delete(work);
        this.#lookIn(this.#pauseMs === LOOK_MS ? 0 : this.#pauseMs);
      });
    this.#underWay.add(work);
    return true;
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted || isStoreAway(error)) return;
    // There is none to be made for now.
    if (error instanceof NoAccountLeft || error instanceof NoProxyError) return;
    this.#failures += 1;
    this.#context.events.emit('error', { error, during: 'making a session for the stock' });
    // Others may have more luck.
    this.#notice.takeBack().catch(() => {});
  }

  get #pauseMs(): number {
    return Math.min(LOOK_MS * 2 ** this.#failures, MAX_PAUSE_MS);
  }
}
