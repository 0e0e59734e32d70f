import { AccountError } from '../../errors.ts';
import { type Session, sessionInternals } from '../../session/session.ts';
import type { PoolContext } from '../context.ts';
import { callHook } from '../hook.ts';
import type { SessionLease } from '../lease.ts';
import type { Account } from './account.ts';
import type { PoolAccounts } from './pool-accounts.ts';
import { type AccountRecord, loggedIn, NEW_RECORD, standingOf, withLogin } from './record.ts';

/** Sessions whose last look is remembered. */
const MAX_LOOKS = 10_000;

/**
 * Keeps the sessions of accounts logged in. Whoever holds a session's lease is the only one to log it in again, in all
 * processes; and in one lease it is done once, however many of its requests found it logged out.
 */
export class Logins {
  readonly #context: PoolContext;
  readonly #accounts: PoolAccounts;
  readonly #refreshes = new WeakMap<SessionLease, Promise<boolean>>();
  /** When `check` looked last, by monotonic time. */
  readonly #lookedAt = new Map<string, number>();

  constructor(context: PoolContext, accounts: PoolAccounts) {
    this.#context = context;
    this.#accounts = accounts;
  }

  /**
   * Logs in again, if the lease's answers say that it was logged out. Answers whether it is logged in now: then what was
   * asked can be asked again.
   */
  refresh(lease: SessionLease): Promise<boolean> {
    const known = this.#refreshes.get(lease);
    // Logged out again right after: another login would not help.
    if (known) return known.then(() => false);
    const { refresh } = this.#context.settings;
    const account = this.#accounts.list.find(lease.session.account);
    if (!refresh || !account || !isLoggedOut(lease) || lease.signal.aborted) return Promise.resolve(false);
    const refreshed = this.#refresh(lease, account);
    this.#refreshes.set(lease, refreshed);
    return refreshed;
  }

  /** Whether there is something to do before a session is given back. */
  isDue(lease: SessionLease): boolean {
    const { session } = lease;
    if (!this.#accounts.list.find(session.account) || lease.signal.aborted) return false;
    if (isLoggedOut(lease)) {
      return this.#context.settings.refresh !== undefined && !this.#refreshes.has(lease);
    }
    return this.#isLookDue(lease);
  }

  /** Looks whether it is still logged in, and logs it in again if it is not. */
  async attend(lease: SessionLease): Promise<void> {
    if (this.#isLookDue(lease)) await this.#look(lease);
    if (isLoggedOut(lease)) await this.refresh(lease);
  }

  #isLookDue(lease: SessionLease): boolean {
    const { settings, clock } = this.#context;
    const { session } = lease;
    const isUsed = lease.worst !== undefined || sessionInternals.isMarked(session);
    if (!settings.check || !isUsed || sessionInternals.statusByUse(session) !== 'usable') return false;
    const lookedAt = this.#lookedAt.get(session.id);
    return lookedAt === undefined || clock.monotonic() - lookedAt >= settings.checkEveryMs;
  }

  async #look(lease: SessionLease): Promise<void> {
    const { settings, clock, events } = this.#context;
    const { session } = lease;
    const account = this.#accounts.list.find(session.account);
    if (!account || lease.signal.aborted) return;
    this.#lookedAt.delete(session.id);
    this.#lookedAt.set(session.id, clock.monotonic());
    if (this.#lookedAt.size > MAX_LOOKS) {
      const [oldest] = this.#lookedAt.keys();
      this.#lookedAt.delete(oldest!);
    }
    const use = useOf(lease);
    try {
      const call = (signal: AbortSignal) => settings.check!(session, { account, signal });
      const isIn = await callHook('check', settings.createTimeoutMs, [lease.signal], call);
      restore(lease, use);
      if (!isIn) lease.judgedByTask({ verdict: 'logged-out', rule: 'check', evidence: 'it said so' });
    } catch (error) {
      restore(lease, use);
      if (!lease.signal.aborted) events.emit('error', { error, during: `check of session ${session.id}` });
    }
  }

  async #refresh(lease: SessionLease, account: Account): Promise<boolean> {
    const { settings, events } = this.#context;
    const { session } = lease;
    try {
      const waitMs = await this.#countLogin(account.id, session);
      if (waitMs > 0) {
        lease.isLoginSettled = true;
        session.rest(waitMs);
        return false;
      }
      const use = useOf(lease);
      try {
        const call = (signal: AbortSignal) => settings.refresh!(session, { account, signal });
        await callHook('refresh', settings.createTimeoutMs, [lease.signal], call);
      } catch (error) {
        restore(lease, use);
        await this.#failed(lease, account.id, error);
        return false;
      }
      restore(lease, use);
      lease.forgiveLoggedOut();
      await this.#write(account.id, (record) => loggedIn(record));
      events.emit('refreshed', { sessionId: session.id, accountId: account.id });
      return true;
    } catch (error) {
      // Taken away meanwhile, or the store is away: whoever has it next finds out anew.
      events.emit('error', { error, during: `logging session ${session.id} in again` });
      return false;
    }
  }

  /** Answers how long the account has to wait; 0: it may log in, and the login is counted. */
  async #countLogin(id: string, session: Session): Promise<number> {
    const { settings, storeClock } = this.#context;
    let waitMs = 0;
    await this.#accounts.book.change(id, (record = NEW_RECORD) => {
      const now = storeClock.now();
      const standing = standingOf(record, now, settings.maxLoginsPerDay);
      if (standing.kind === 'free') {
        waitMs = 0;
        return { ...withLogin(record, now), sessionId: session.id };
      }
      waitMs = standing.untilAt === null ? settings.maxRestMs : Math.max(1, standing.untilAt - now);
      return undefined;
    });
    return waitMs;
  }

  async #failed(lease: SessionLease, id: string, error: unknown): Promise<void> {
    const { session } = lease;
    // A holder that was told to stop says nothing of the account.
    if (!lease.isHeld || lease.signal.aborted) return;
    lease.isLoginSettled = true;
    if (error instanceof AccountError) session.retire(`account: ${error.reason}`);
    let after: AccountRecord | undefined;
    const { storeClock } = this.#context;
    await this.#write(id, (record) => {
      after ??= this.#accounts.afterFailure(id, record, error);
      return after;
    });
    if (error instanceof AccountError) return;
    const untilAt = after?.untilAt ?? null;
    session.rest(untilAt === null ? 0 : Math.max(0, untilAt - storeClock.now()));
  }

  async #write(id: string, change: (record: AccountRecord) => AccountRecord): Promise<void> {
    await this.#accounts.book.change(id, (record) => record && change(record));
  }
}

function isLoggedOut({ worst }: SessionLease): boolean {
  return worst?.verdict === 'logged-out';
}

/** What the task's own requests came to: those of a login are none of its use. */
type Use = Pick<SessionLease, 'worst' | 'troubles'>;

function useOf(lease: SessionLease): Use {
  const { worst, troubles } = lease;
  lease.forgetJudgements();
  return { worst, troubles };
}

function restore(lease: SessionLease, { worst, troubles }: Use): void {
  lease.worst = worst;
  lease.troubles = troubles;
}
