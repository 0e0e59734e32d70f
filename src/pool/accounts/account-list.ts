import type { Clock } from '../../internal/clock.ts';
import { inTime } from '../../internal/in-time.ts';
import type { PoolEventBus } from '../events.ts';
import { type Account, type AccountSource, readAccounts } from './account.ts';

/** A source that changed is asked no more often. */
const READ_AGAIN_MS = 60_000;

/** The accounts of a pool, as its option gives them. */
export class AccountList {
  readonly #source: AccountSource;
  readonly #clock: Clock;
  readonly #events: PoolEventBus;
  #accounts: readonly Account[] | undefined;
  #byId: ReadonlyMap<string, Account> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(source: AccountSource, clock: Clock, events: PoolEventBus) {
    this.#source = source;
    this.#clock = clock;
    this.#events = events;
    if (typeof source !== 'function') this.#keep(readAccounts(source));
  }

  /** Those that are known. */
  get all(): readonly Account[] {
    return this.#accounts ?? [];
  }

  find(id: string | undefined): Account | undefined {
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /**
   * Asks the source for the first time.
   * @throws what it throws, or OptionError where what it gives is no list of accounts
   */
  async load(): Promise<void> {
    if (this.#accounts === undefined) await this.#read();
  }

  /** None was left: perhaps there are others by now. Answers whether it asked. A source that fails keeps the last list. */
  async readAgain(): Promise<boolean> {
    const isDue = this.#clock.monotonic() - this.#readAt >= READ_AGAIN_MS;
    if (typeof this.#source !== 'function' || !isDue) return false;
    try {
      await this.#read();
      return true;
    } catch (error) {
      this.#events.emit('error', { error, during: 'reading the accounts again; the last list is kept' });
      return false;
    }
  }

  async #read(): Promise<void> {
    this.#readAt = this.#clock.monotonic();
    const source = this.#source as () => readonly Account[] | Promise<readonly Account[]>;
    this.#keep(readAccounts(await inTime(source, 'accounts')));
  }

  #keep(accounts: readonly Account[]): void {
    this.#accounts = accounts;
    this.#byId = new Map(accounts.map((account) => [account.id, account]));
  }
}
