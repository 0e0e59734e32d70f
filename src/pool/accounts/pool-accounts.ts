import { randomUUID } from 'node:crypto';
import { AccountError, AcquireError, type WaitingFacts } from '../../errors.ts';
import type { SessionBody } from '../../session/body.ts';
import { newSessionId } from '../../session/id.ts';
import { type Fingerprint, proxyOf, type SessionProxy } from '../../session/identity.ts';
import type { SessionOptions } from '../../session/options.ts';
import { type Session, sessionInternals } from '../../session/session.ts';
import type { PoolContext } from '../context.ts';
import type { ChosenProxy } from '../proxies/pool-proxies.ts';
import type { Account } from './account.ts';
import type { AccountBook } from './account-book.ts';
import type { AccountList } from './account-list.ts';
import { Outlook, type Seen } from './outlook.ts';
import {
  type AccountRecord,
  cooled,
  loggedIn,
  NEW_RECORD,
  parked,
  type Standing,
  standingOf,
  withLogin,
} from './record.ts';

/** Accounts looked at for one session; with more, the next look goes on from there. */
const MAX_LOOKED_AT = 256;
/** Records that others write are read anew after this; what matters is looked at again when an account is claimed. */
const RECORD_AGE_MS = 1_000;

/** What of a user outlives its sessions. */
export interface AccountIdentity {
  readonly proxy?: SessionProxy;
  readonly fingerprint?: Fingerprint;
}

/** An account that this process alone may log in with, for a while. */
export interface TakenAccount {
  readonly account: Account;
  /** Of the session to be made, its id included. */
  readonly options: SessionOptions;
  readonly chosen: ChosenProxy | undefined;
  readonly token: string;
  /** What it appeared as before. */
  readonly before: AccountIdentity;
}

/** What a session is to be made with. */
export interface PreparedSession {
  readonly options: SessionOptions;
  /** Its proxy, if the pool gives it one. */
  readonly chosen: ChosenProxy | undefined;
}

/** Prepares a session that appears as what is known of its account; `undefined`: its proxy is away. */
type Prepare = (known: AccountIdentity) => Promise<PreparedSession | undefined>;

/** Every account has a session, waits or is parked: nothing of a creation's own that failed. */
export class NoAccountLeft extends Error {}

/**
 * Which account the next session logs in as. An account is claimed in its record before its login is tried, and the
 * login counted in the same step; the record also names the session to be made. So a worker that dies in the middle leaves
 * an account that others may take when the claim runs out, and know whether its session came to be.
 */
export class PoolAccounts {
  readonly list: AccountList;
  readonly book: AccountBook;
  readonly #context: PoolContext;
  readonly #outlook: Outlook;
  #next = 0;
  /** Accounts whose session died here: looked at first. */
  readonly #freed = new Set<string>();
  /** One look at a time: two would find the same account. */
  #lastTake: Promise<unknown> = Promise.resolve();

  constructor(context: PoolContext, list: AccountList, book: AccountBook) {
    this.#context = context;
    this.list = list;
    this.book = book;
    this.#outlook = new Outlook(context.clock);
  }

  /** Milliseconds until it is worth looking for an account; 0: now. */
  get pausedForMs(): number {
    return this.#outlook.pausedForMs;
  }

  /** Its session died, or its login ended: it may be there for a new one. */
  freed(accountId: string): void {
    this.#outlook.forget(accountId);
    if (this.list.find(accountId)) this.#freed.add(accountId);
  }

  /**
   * What those hear who wait for a new session where the store knows of none that becomes free: when it is worth another
   * try; or `undefined`: no account is left, and none comes back by itself.
   */
  async waitMs(): Promise<number | undefined> {
    const { store } = this.#context;
    // Sessions that died elsewhere since they were seen: their accounts are free.
    if (this.#outlook.held > (await store.count()).living) this.#outlook.reset();
    return this.#outlook.comesBack ? Math.max(1, this.pausedForMs) : undefined;
  }

  /** The error for those who could only have been served by a new session. */
  error(facts: WaitingFacts): AcquireError {
    const message = `pool "${this.#context.settings.name}": no session is free, and no account is left to make one: ${this.#outlook}; \`troupe accounts ls\` lists them`;
    return new AcquireError('NO_SESSION', message, facts);
  }

  /**
   * Claims an account, its login counted.
   * @param prepare completes what its new session will appear as, which is kept with the account
   * @throws NoAccountLeft
   */
  take(prepare: Prepare): Promise<TakenAccount> {
    const taken = this.#lastTake.then(() => this.#take(prepare));
    this.#lastTake = taken.catch(() => {});
    return taken;
  }

  async #take(prepare: Prepare): Promise<TakenAccount> {
    if (this.pausedForMs > 0) throw new NoAccountLeft();
    for (const id of this.#freed) {
      this.#freed.delete(id);
      const account = this.list.find(id);
      const taken = account && (await this.#tryToTake(account, prepare));
      if (taken) return taken;
    }
    do {
      const accounts = this.list.all;
      let passed = 0;
      for (let looks = 0; passed < accounts.length && looks < MAX_LOOKED_AT; passed++) {
        const account = accounts[this.#next++ % accounts.length]!;
        if (this.#outlook.of(account.id)) continue;
        looks += 1;
        const taken = await this.#tryToTake(account, prepare);
        if (taken) return taken;
      }
      this.#outlook.passed(passed, accounts);
    } while (this.#outlook.isWholeRound && (await this.list.readAgain()));
    throw new NoAccountLeft();
  }

  async #tryToTake(account: Account, prepare: Prepare): Promise<TakenAccount | undefined> {
    const result = await this.#claim(account, prepare);
    if ('token' in result) return result;
    this.#outlook.saw(account.id, result, this.#context.storeClock.now());
    return undefined;
  }

  async #claim(account: Account, prepare: Prepare): Promise<TakenAccount | Seen> {
    const { settings, storeClock, holder } = this.#context;
    const { maxLoginsPerDay, createTimeoutMs, leaseMs } = settings;
    const record = await this.book.read(account.id, RECORD_AGE_MS);
    const standing = standingOf(record, storeClock.now(), maxLoginsPerDay);
    if (standing.kind !== 'free') return standing;
    const last = record.sessionId === null ? undefined : await this.#lastSession(record.sessionId);
    if (last === 'living') return { kind: 'held', untilAt: null };
    const sessionId = newSessionId();
    const before = identityOf(record, last);
    const prepared = await prepare(before);
    if (!prepared) return { kind: 'no-proxy', untilAt: null };
    const options = { ...prepared.options, id: sessionId, account: account.id };
    const { chosen } = prepared;
    const token = randomUUID();
    let isOutdated = false;
    let result: TakenAccount | Standing = { kind: 'logging-in', untilAt: null };
    await this.book.change(account.id, (current = NEW_RECORD) => {
      const now = storeClock.now();
      isOutdated = false;
      result = standingOf(current, now, maxLoginsPerDay);
      if (result.kind !== 'free') return undefined;
      if (current.sessionId !== record.sessionId) {
        isOutdated = true;
        return undefined;
      }
      result = { account, token, options, chosen, before };
      const untilAt = now + createTimeoutMs + leaseMs;
      return {
        ...withLogin(current, now),
        ...storedIdentity(options),
        sessionId,
        claim: { token, holder, untilAt },
      };
    });
    if (!('token' in result)) giveUp(chosen);
    // Somebody else had it meanwhile: its session is another.
    if (isOutdated) return this.#claim(account, prepare);
    return result;
  }

  /** The session that an account had last: still living, or what is left of it. */
  async #lastSession(id: string): Promise<'living' | SessionBody | undefined> {
    const stored = await this.#context.store.get(id);
    if (stored?.status === 'usable') return 'living';
    if (!stored) return undefined;
    try {
      return this.#context.bodies.read(stored);
    } catch {
      // What it appeared as is in the record, too, as it was when it was made.
      return undefined;
    }
  }

  /**
   * The session is made, and about to be stored: the record names it, whatever `createSession` named it.
   * @throws where the account is no longer ours: the login took too long, or somebody erased it
   */
  async confirm({ account, token, options }: TakenAccount, session: Session): Promise<void> {
    if (session.account !== account.id) {
      throw new TypeError('createSession must keep the option account: `new Session({ ...options, … })`');
    }
    let isOurs = false;
    await this.book.change(account.id, (record) => {
      isOurs = record?.claim?.token === token;
      if (!isOurs) return undefined;
      const isAsAnnounced = session.id === options.id && this.#isSameIdentity(record!, session);
      if (isAsAnnounced) return undefined;
      const { proxy, fingerprint } = sessionInternals.body(session);
      return { ...record!, ...storedIdentity({ proxy, fingerprint }), sessionId: session.id };
    });
    if (!isOurs) throw new Error('the account was taken from this login, which took too long, or was erased');
  }

  #isSameIdentity({ proxy, fingerprint }: AccountRecord, session: Session): boolean {
    const { proxy: own } = sessionInternals.body(session);
    return proxy?.url === own?.url && fingerprint?.userAgent === session.fingerprint?.userAgent;
  }

  /** The session is stored. */
  async succeeded({ account, token }: TakenAccount): Promise<void> {
    await this.#end(account.id, token, loggedIn);
  }

  /** Nobody wanted it any more: the login counts, and says nothing of the account. */
  async abandoned({ account, token }: TakenAccount): Promise<void> {
    await this.#end(account.id, token, (record) => ({ ...record, claim: null }));
  }

  /**
   * The login failed because of its proxy, which says nothing of the account. If surely none of its requests came to the
   * site, it was none: it does not count, and what the account was to appear as nobody has seen.
   */
  async unreached({ account, token, chosen, before }: TakenAccount): Promise<void> {
    const wasNone = chosen !== undefined && !chosen.leased.mayHaveReached;
    await this.#end(account.id, token, (record) => ({
      ...record,
      claim: null,
      ...(wasNone && { ...storedIdentity(before), logins: record.logins.slice(0, -1) }),
    }));
  }

  /** The login failed: the account is parked, or waits. */
  async failed({ account, token }: TakenAccount, error: unknown): Promise<void> {
    await this.#end(account.id, token, (record) => this.afterFailure(account.id, record, error));
  }

  /** What a failed login makes of a record; told by an event. */
  afterFailure(accountId: string, record: AccountRecord, error: unknown): AccountRecord {
    const { storeClock, events } = this.#context;
    const now = storeClock.now();
    if (error instanceof AccountError) {
      const { reason, retryAfterMs } = error;
      events.emit('accountParked', { accountId, state: reason, ms: retryAfterMs, error });
      return parked(record, reason, retryAfterMs === undefined ? null : now + retryAfterMs);
    }
    const after = cooled(record, now);
    const ms = after.untilAt === null ? 0 : after.untilAt - now;
    events.emit('accountCooling', { accountId, ms, error });
    return after;
  }

  async #end(id: string, token: string, change: (record: AccountRecord) => AccountRecord): Promise<void> {
    try {
      let after: AccountRecord | undefined;
      await this.book.change(id, (record) => {
        if (record?.claim?.token !== token) return undefined;
        // Once: it may be asked again, and tells of it.
        after ??= change(record);
        return after;
      });
    } catch (error) {
      // The claim runs out by itself.
      this.#context.events.emit('error', { error, during: 'writing down how a login ended' });
    } finally {
      this.freed(id);
    }
  }
}

function giveUp(chosen: ChosenProxy | undefined): void {
  chosen?.leased.leave();
  chosen?.end(false);
}

/** As its last session appeared, if that can be read, for its browser may have been brought up to date. */
function identityOf({ proxy, fingerprint }: AccountRecord, last: SessionBody | undefined): AccountIdentity {
  const known = { proxy: last?.proxy ?? proxy, fingerprint: last?.fingerprint ?? fingerprint };
  return {
    ...(known.proxy && { proxy: known.proxy }),
    ...(known.fingerprint && { fingerprint: known.fingerprint }),
  };
}

function storedIdentity({
  proxy,
  fingerprint,
}: Pick<SessionOptions, 'proxy' | 'fingerprint'>): Pick<AccountRecord, 'proxy' | 'fingerprint'> {
  return { proxy: proxy === undefined ? null : proxyOf(proxy), fingerprint: fingerprint ?? null };
}
