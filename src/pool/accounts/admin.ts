import { text } from '../../internal/options.ts';
import type { PoolCore } from '../core.ts';
import { pagesOf } from '../pages.ts';
import { checkId } from './account.ts';
import { accountKey } from './account-key.ts';
import { type AccountRecord, loginsOf, madeReady, NEW_RECORD, parked, standingOf } from './record.ts';

/** An account as its store knows it. There is none of one that has never logged in, and was not parked. */
export interface AccountView {
  /** The user name. */
  readonly id: string;
  /**
   * `ready`: it may log in, or has a session. `cooling`: it waits, after a login that failed or because it had its logins
   * for the day. `locked`, `bad-credentials`: its login said so. `parked`: by hand.
   */
  readonly state: 'ready' | 'cooling' | 'locked' | 'bad-credentials' | 'parked';
  /** When the state ends by itself; `null`: it does not. */
  readonly untilAt: Date | null;
  /** Logins within the last 24 hours. */
  readonly logins: number;
  /** The living session of it. */
  readonly sessionId: string | null;
}

/** A parked account's session is not used; until then it could only be retired, and its login with it. */
const PARKED_MS = 10 * 365 * 86_400_000;
/** Looks at the accounts of a store, and corrects what it knows of them: `pool.accounts`. */
export class AccountAdmin {
  readonly #open: () => Promise<PoolCore>;

  /** @internal */
  constructor(open: () => Promise<PoolCore>) {
    this.#open = open;
  }

  /** All that the store knows of, in the order of their ids. */
  async *list(): AsyncGenerator<AccountView, void, undefined> {
    const core = await this.#open();
    for (const [id, record] of await core.book.all()) yield await viewOf(id, record, core);
  }

  /**
   * Keeps an account from being used: it does not log in, and its session rests, until {@link ready}. Also of one that the
   * store does not know yet.
   */
  async park(id: string): Promise<void> {
    checkId(id, 'id');
    const { book, context } = await this.#open();
    let sessionId: string | null = null;
    await book.change(id, (record = NEW_RECORD) => {
      ({ sessionId } = record);
      return parked(record, 'parked', null);
    });
    if (sessionId !== null) await context.store.order({ ids: [sessionId] }, { kind: 'rest', ms: PARKED_MS });
  }

  /**
   * Lets an account be used again, whatever kept it from that; its logins stay counted. Answers whether the store knows it.
   */
  async ready(id: string): Promise<boolean> {
    text(id, 'id');
    const { book, accounts, context, acquirer } = await this.#open();
    let before: AccountRecord | undefined;
    await book.change(id, (record) => {
      before = record;
      return record && madeReady(record);
    });
    if (!before) return false;
    const { state, sessionId } = before;
    if (state !== 'ready' && sessionId !== null)
      await context.store.order({ ids: [sessionId] }, { kind: 'lift' });
    accounts?.freed(id);
    acquirer.line.offer();
    return true;
  }

  /**
   * Erases all that is kept of an account: its record with its device and its proxy, and its sessions, dead or alive. Looks
   * at every session of the store. Take it off the list `accounts` first, or it comes back. Answers whether there was anything.
   */
  async remove(id: string): Promise<boolean> {
    text(id, 'id');
    const { book, context, held } = await this.#open();
    const { store, sealing, connections, bodies } = context;
    let isKnown = false;
    // First: a login under way finds that the account is no longer its own.
    await book.change(id, (record) => {
      isKnown = record !== undefined;
      return null;
    });
    const key = accountKey(id, sealing);
    let removed = 0;
    for await (const page of pagesOf(store)) {
      const ids = page.filter((session) => session.key === key).map((session) => session.id);
      if (ids.length > 0) removed += await store.remove(ids);
      for (const sessionId of ids) {
        held.abort(sessionId, 'its account was removed');
        connections.drop(sessionId);
        bodies.forget(sessionId);
      }
    }
    return isKnown || removed > 0;
  }
}

async function viewOf(id: string, record: AccountRecord, { context }: PoolCore): Promise<AccountView> {
  const { store, storeClock, settings } = context;
  const session = record.sessionId === null ? undefined : await store.get(record.sessionId);
  const isLiving = session?.status === 'usable';
  const now = storeClock.now();
  const standing = standingOf(record, now, settings.maxLoginsPerDay);
  const { kind } = standing;
  const isReady = kind === 'free' || kind === 'logging-in' || (kind === 'spent' && isLiving);
  const untilAt = kind === 'free' || isReady ? null : standing.untilAt;
  return {
    id,
    state: isReady ? 'ready' : kind === 'spent' ? 'cooling' : kind,
    untilAt: untilAt === null ? null : new Date(untilAt),
    logins: loginsOf(record, now).length,
    sessionId: isLiving ? record.sessionId : null,
  };
}
