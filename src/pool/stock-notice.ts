import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PoolContext } from './context.ts';
import { SharedDocument } from './shared-document.ts';

/** A notice is renewed at a third of this; another takes over when it runs out. */
const VALID_MS = 15_000;
const READ_AGAIN_MS = 1_000;

const schema = z.object({
  keeper: z.object({ name: z.string(), untilAt: z.number() }).nullable().default(null),
});
type Notice = Readonly<z.output<typeof schema>>;

/**
 * Who keeps a stock of ready sessions says so in the store. There is one at a time: two would each see what is missing, and
 * make it twice. And those who make no sessions themselves wait, as long as there is one.
 */
export class StockNotice {
  readonly #context: Pick<PoolContext, 'storeClock'>;
  readonly #document: SharedDocument<Notice>;
  readonly #name = randomUUID();

  constructor({ store, storeClock }: Pick<PoolContext, 'store' | 'storeClock'>) {
    this.#context = { storeClock };
    this.#document = new SharedDocument(store, 'stock', (value) => schema.parse(value));
  }

  /** Whether somebody keeps a stock. */
  async isGiven(): Promise<boolean> {
    const { keeper } = await this.#document.read(READ_AGAIN_MS);
    return keeper !== null && keeper.untilAt > this.#context.storeClock.now();
  }

  /** Takes it, or keeps it. Answers whether it is ours for a while; to be called every few seconds. */
  async give(): Promise<boolean> {
    await this.#document.read(READ_AGAIN_MS);
    const name = this.#name;
    const { keeper } = await this.#document.change((notice) => {
      const now = this.#context.storeClock.now();
      const leftMs = (notice.keeper?.untilAt ?? now) - now;
      const isOurs = notice.keeper?.name === name;
      // A clock that was set back must not make it anybody's for long.
      const isOthers = !isOurs && leftMs > 0 && leftMs <= VALID_MS;
      if (isOthers || (isOurs && leftMs > (2 / 3) * VALID_MS)) return notice;
      return { keeper: { name, untilAt: now + VALID_MS } };
    });
    return keeper?.name === name;
  }

  /** Leaves it to others. */
  async takeBack(): Promise<void> {
    await this.#document.change((notice) => (notice.keeper?.name === this.#name ? { keeper: null } : notice));
  }
}
