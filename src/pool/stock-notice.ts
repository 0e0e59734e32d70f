import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PoolContext } from './context.ts';
import { SharedDocument } from './shared-document.ts';

/** A notice is renewed at a third of this: who died no longer counts after it. */
const VALID_MS = 60_000;
const READ_AGAIN_MS = 1_000;

const schema = z.object({ until: z.record(z.string(), z.number()).default({}) });
type Notices = Readonly<z.output<typeof schema>>;

/**
 * Who keeps a stock of ready sessions says so in the store: others, who make none themselves, then wait for them instead
 * of hearing that there are none.
 */
export class StockNotice {
  readonly #context: Pick<PoolContext, 'storeClock'>;
  readonly #document: SharedDocument<Notices>;
  readonly #name = randomUUID();
  #givenAt = Number.NEGATIVE_INFINITY;

  constructor({ store, storeClock }: Pick<PoolContext, 'store' | 'storeClock'>) {
    this.#context = { storeClock };
    this.#document = new SharedDocument(store, 'stock', (value) => schema.parse(value));
  }

  /** Whether somebody keeps a stock. */
  async isGiven(): Promise<boolean> {
    const { until } = await this.#document.read(READ_AGAIN_MS);
    const now = this.#context.storeClock.now();
    return Object.values(until).some((instant) => instant > now);
  }

  /** We do; to be called now and then. */
  async give(): Promise<void> {
    const now = this.#context.storeClock.now();
    if (now < this.#givenAt + VALID_MS / 3) return;
    await this.#write(now, now + VALID_MS);
    this.#givenAt = now;
  }

  /** We no longer do. */
  async takeBack(): Promise<void> {
    if (this.#givenAt === Number.NEGATIVE_INFINITY) return;
    await this.#write(this.#context.storeClock.now(), undefined);
  }

  async #write(now: number, ours: number | undefined): Promise<void> {
    await this.#document.change(({ until }) => {
      const others = Object.entries(until).filter(([name, instant]) => name !== this.#name && instant > now);
      if (ours !== undefined) others.push([this.#name, ours]);
      return { until: Object.fromEntries(others) };
    });
  }
}
