import { AccountError, CreateError, StoreError } from '../errors.ts';
import { aboutAsLong } from '../internal/chance.ts';
import { maskError } from '../internal/mask.ts';
import { isPromise, type MaybePromise } from '../internal/maybe-promise.ts';
import type { SessionOptions } from '../session/options.ts';
import { Session, sessionInternals } from '../session/session.ts';
import type { CreateResult, NewSession } from '../stores/store.ts';
import { accountKey } from './accounts/account-key.ts';
import {
  type AccountIdentity,
  NoAccountLeft,
  type PoolAccounts,
  type PreparedSession,
  type TakenAccount,
} from './accounts/pool-accounts.ts';
import { again } from './again.ts';
import type { PoolContext } from './context.ts';
import { callHook } from './hook.ts';
import type { SessionLease } from './lease.ts';
import { isStoreAway } from './outage.ts';
import type { ChosenProxy } from './proxies/pool-proxies.ts';

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 300_000;
/** Logins that failed because of proxies that still count as healthy, until whoever asked hears of it. */
const MAX_UNEXPLAINED = 3;

/**
 * Makes new sessions in the places that the store reserved: options, `createSession`, `onCreate`, then the store.
 * A failure is its caller's; after `maxCreateFailures` in a row creation pauses, and longer each time one more fails.
 */
export class Creation {
  /** Whom new sessions log in as, where the pool has accounts. */
  readonly accounts: PoolAccounts | undefined;
  readonly #context: PoolContext;
  /** Those of the pool, and the clock that its sessions live by. */
  readonly #options: SessionOptions;
  #failures = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** After a pause one tries; the others wait for how it goes. */
  #isProbing = false;

  constructor(context: PoolContext, accounts?: PoolAccounts) {
    this.#context = context;
    this.accounts = accounts;
    const { settings, clock, storeClock } = context;
    this.#options =
      storeClock === clock ? settings.session : Object.freeze({ ...settings.session, clock: storeClock });
  }

  /** Milliseconds until a session may be made; 0: now. While one tries after a pause, the others ask again soon. */
  get pausedForMs(): number {
    if (this.#failures < this.#context.settings.maxCreateFailures) return 0;
    if (this.#isProbing) return FIRST_PAUSE_MS;
    return Math.max(0, this.#pausedUntil - this.#context.clock.monotonic());
  }

  /** The error for those who could only have been served by a new session. */
  pausedError(): CreateError {
    const retryInMs = Math.ceil(this.pausedForMs);
    const message = `creation of sessions pauses for ${retryInMs} ms, after ${this.#failures} failures in a row; see the cause of the last CREATE_FAILED, or the event creationPaused`;
    return new CreateError('CREATION_PAUSED', message, { failures: this.#failures, retryInMs });
  }

  /**
   * Makes a session for this lease, whose grant is a reserved place.
   * @param claimed whom it logs in as first
   * @throws CreateError
   * @throws NoAccountLeft
   */
  create(
    lease: SessionLease,
    signal: AbortSignal | undefined,
    claimed?: TakenAccount,
  ): MaybePromise<SessionLease> {
    if (this.accounts) return this.#createOfAccount(this.accounts, lease, signal, claimed);
    return this.#context.proxies?.assigns
      ? this.#createBehindProxy(lease, signal)
      : this.#createAs(lease, signal, undefined);
  }

  /**
   * Claims an account for the next session, where the pool has accounts.
   * @throws NoAccountLeft
   * @throws NoProxyError
   */
  claim(): Promise<TakenAccount> | undefined {
    return this.accounts?.take((known) => this.#prepare(known));
  }

  /** With another proxy where the one that was chosen turned out to be full, or failed in the warm-up. */
  async #createBehindProxy(lease: SessionLease, signal: AbortSignal | undefined): Promise<SessionLease> {
    let unexplained = 0;
    for (;;) {
      const chosen = await this.#context.proxies!.choose();
      if (chosen === undefined) throw new NoProxyError();
      lease.proxy = chosen.leased;
      let isMade = false;
      try {
        await this.#createAs(lease, signal, chosen);
        isMade = true;
        return lease;
      } catch (error) {
        if (!this.#isProxysFault(error, lease) || lease.signal.aborted || signal?.aborted) throw error;
        // One that goes on failing without being quarantined (a gateway's exits): the next try would not be another.
        const isFull = error instanceof ProxyFullError;
        if (!isFull && chosen.leased.closedForMs === 0 && ++unexplained >= MAX_UNEXPLAINED) throw error;
        chosen.leased.leave();
        lease.forgetJudgements();
      } finally {
        chosen.end(isMade);
      }
    }
  }

  #isProxysFault(error: unknown, { worst }: SessionLease): boolean {
    return error instanceof ProxyFullError || worst?.verdict === 'proxy-failed';
  }

  #createAs(
    lease: SessionLease,
    signal: AbortSignal | undefined,
    chosen: ChosenProxy | undefined,
  ): MaybePromise<SessionLease> {
    const { createSession, onCreate } = this.#context.settings;
    if (createSession || onCreate) return this.#createSlowly(lease, signal, chosen);
    // Nothing of the user's to wait for: in memory a session is made without a turn of the promise queue.
    try {
      const session = new Session(this.#newOptions(chosen));
      const stored = this.#store(lease, session, chosen);
      return isPromise(stored)
        ? stored.catch((error: unknown) => Promise.reject(this.#failed(error, lease)))
        : stored;
    } catch (error) {
      throw this.#failed(error, lease);
    }
  }

  #createSlowly(
    lease: SessionLease,
    given: AbortSignal | undefined,
    chosen: ChosenProxy | undefined,
  ): Promise<SessionLease> {
    return this.#counted(lease, given, (signal) => {
      // Its caller left while the store was looking: a maker that listens for the abort would wait for ever.
      signal.throwIfAborted();
      return this.#make(lease, signal, this.#newOptions(chosen), chosen);
    });
  }

  /** As an account; as another where its login says that this one is no good, for that is not the maker's fault. */
  #createOfAccount(
    accounts: PoolAccounts,
    lease: SessionLease,
    given: AbortSignal | undefined,
    claimed: TakenAccount | undefined,
  ): Promise<SessionLease> {
    return this.#counted(lease, given, async (signal) => {
      let unexplained = 0;
      for (let taken = claimed ?? (await this.claim()!); ; taken = await this.claim()!) {
        if (taken.chosen) lease.proxy = taken.chosen.leased;
        let isMade = false;
        try {
          signal.throwIfAborted();
          await this.#make(lease, signal, taken.options, taken.chosen, taken);
          isMade = true;
        } catch (error) {
          // Neither a store that is away, nor one who gave up, or a pool that closes, says anything of the account.
          const isAbandoned = isStoreAway(error) || signal.aborted;
          const isProxysFault = !(error instanceof AccountError) && this.#isProxysFault(error, lease);
          if (isAbandoned) await accounts.abandoned(taken);
          else if (isProxysFault) await accounts.unreached(taken);
          else await accounts.failed(taken, error);
          if (isAbandoned || !(isProxysFault || error instanceof AccountError)) throw error;
          // One that goes on failing without being quarantined: the next try would not be another.
          const isQuarantined = (taken.chosen?.leased.closedForMs ?? 0) > 0;
          if (isProxysFault && !isQuarantined && ++unexplained >= MAX_UNEXPLAINED) throw error;
          taken.chosen?.leased.leave();
          lease.forgetJudgements();
          continue;
        } finally {
          taken.chosen?.end(isMade);
        }
        await accounts.succeeded(taken);
        return lease;
      }
    });
  }

  /** Makes one as the pool's user has it made: a failure counts, unless its caller was the one who gave up. */
  async #counted(
    lease: SessionLease,
    given: AbortSignal | undefined,
    make: (signal: AbortSignal) => Promise<SessionLease>,
  ): Promise<SessionLease> {
    this.#isProbing = this.#failures >= this.#context.settings.maxCreateFailures;
    try {
      return await make(given ? AbortSignal.any([given, lease.signal]) : lease.signal);
    } catch (error) {
      // Whoever gave the wait up has not shown that creation fails.
      if (given?.aborted) throw given.reason;
      throw this.#failed(error, lease);
    } finally {
      this.#isProbing = false;
    }
  }

  /** What an account's session is to be made with: its own proxy, or its first; `undefined`: that one is away. */
  async #prepare(known: AccountIdentity): Promise<PreparedSession | undefined> {
    const { proxies } = this.#context;
    if (!proxies?.assigns) return { options: this.#newOptions(undefined, known), chosen: undefined };
    const chosen = await proxies.choose(known.proxy);
    if (chosen) return { options: this.#newOptions(chosen, known), chosen };
    if (known.proxy) return undefined;
    throw new NoProxyError();
  }

  async #make(
    lease: SessionLease,
    given: AbortSignal,
    options: SessionOptions,
    chosen: ChosenProxy | undefined,
    taken?: TakenAccount,
  ): Promise<SessionLease> {
    const { createSession, onCreate, createTimeoutMs } = this.#context.settings;
    const session = await callHook('making a session', createTimeoutMs, [given], async (signal) => {
      const context = taken ? { account: taken.account, signal } : { signal };
      const made = createSession ? await createSession({ ...options }, context) : new Session(options);
      if (!(made instanceof Session)) throw new TypeError('createSession must return a Session');
      lease.hold(made, undefined);
      sessionInternals.bind(made, lease);
      await onCreate?.(made, context);
      signal.throwIfAborted();
      return made;
    });
    if (taken) {
      lease.forgiveLoggedOut();
      await this.accounts!.confirm(taken, session);
    }
    return await this.#store(lease, session, chosen);
  }

  /**
   * Of one new session: with a proxy and a browser of its own, where the pool gives them and neither the options nor its
   * account do.
   * @param known what its account appears as
   */
  #newOptions(chosen: ChosenProxy | undefined, known?: AccountIdentity): SessionOptions {
    const { fingerprints } = this.#context;
    // What the pool's options say holds for every session.
    const own = known ? { ...known, ...this.#options } : this.#options;
    const options = chosen ? { ...own, proxy: chosen.proxy } : own;
    if (!fingerprints || options.fingerprint) return options;
    return { ...options, fingerprint: fingerprints.make(options.proxy) };
  }

  #store(lease: SessionLease, session: Session, chosen: ChosenProxy | undefined): MaybePromise<SessionLease> {
    const body = sessionInternals.body(session);
    const { bodies, store, outage, proxyTags } = this.#context;
    if (body.proxy && !proxyTags.isReady)
      return proxyTags.load().then(() => this.#store(lease, session, chosen));
    const stored = newSession(session, bodies.write(session.id, body), this.#context);
    // A session that brought its own proxy along is not counted.
    if (chosen?.limit !== undefined && stored.tag === chosen.leased.tag) stored.tagLimit = chosen.limit;
    const created = store.create(lease.grant, stored);
    const done = (result: CreateResult): SessionLease => {
      if (result.kind === 'tag-full') throw this.#proxyFull(stored.tag!);
      if (result.kind !== 'created') throw this.#notStored(result.kind, session);
      this.#failures = 0;
      lease.grant = result.lease;
      if (lease.safeMs <= 0) throw awayUntilOver();
      // The warm-up is no use; but what a site said then still holds.
      lease.keepOnlyTroubles();
      lease.hold(session, body);
      sessionInternals.bind(session, lease);
      const { events } = this.#context;
      if (events.isHeard('created')) events.emit('created', { sessionId: session.id });
      return lease;
    };
    if (!isPromise(created)) return done(created);
    return created.then(done, async (error: unknown) => {
      if (!isStoreAway(error)) throw error;
      const create = () => store.create(lease.grant, stored);
      const result = await again(outage, error, () => lease.safeMs, create);
      // Done the first time, it seems, by a lease that we were never told: the session is free when that runs out.
      if (result.kind !== 'created') throw error;
      return done(result);
    });
  }

  #proxyFull(tag: string): ProxyFullError {
    this.#context.proxies!.isFull(tag);
    return new ProxyFullError();
  }

  #notStored(kind: Exclude<CreateResult['kind'], 'created'>, session: Session): Error {
    if (kind === 'lost') return new Error('it took longer than its lease, which could not be renewed');
    if (kind === 'tag-full') return new Error('its proxy has as many living sessions as it may have');
    const whose = session.account === undefined ? '' : ', or one of its account';
    return new Error(`a living session with the id ${session.id}${whose} exists already`);
  }

  #failed(given: unknown, lease: SessionLease): Error {
    const cause = maskError(given);
    const { settings, clock, events, outage } = this.#context;
    if (cause instanceof NoAccountLeft || cause instanceof NoProxyError) return cause;
    // A store that was away says nothing of how sessions are made.
    if (isStoreAway(cause)) return cause;
    // Nor does a proxy.
    if (cause instanceof ProxyFullError) return cause;
    if (lease.signal.aborted && outage.hasBeenSince(lease.takenAt)) return awayUntilOver(cause);
    this.#failures += 1;
    const over = this.#failures - settings.maxCreateFailures;
    let retryInMs = 0;
    if (over >= 0) {
      retryInMs = Math.round(aboutAsLong(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(over, 20), MAX_PAUSE_MS)));
      this.#pausedUntil = clock.monotonic() + retryInMs;
      events.emit('creationPaused', { failures: this.#failures, ms: retryInMs, error: cause });
    }
    const pause = retryInMs > 0 ? `; creation pauses for ${retryInMs} ms` : '';
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `a new session could not be made (${this.#failures} in a row${pause}): ${reason}`;
    return new CreateError('CREATE_FAILED', message, { failures: this.#failures, retryInMs }, { cause });
  }
}

/** No proxy takes a new session now. */
export class NoProxyError extends Error {}

/** The store says that the proxy has as many sessions as it may. */
class ProxyFullError extends Error {}

function awayUntilOver(cause?: unknown): StoreError {
  const message = 'the store was away until the place of a new session was no longer held';
  return new StoreError('STORE_UNAVAILABLE', message, { cause });
}

/** A session as a store takes it in. */
export function newSession(session: Session, body: unknown, { proxyTags, sealing }: PoolContext): NewSession {
  const { proxy } = sessionInternals.body(session);
  const now = sessionInternals.now(session);
  const expiresAt = sessionInternals.expiresAt(session);
  return {
    id: session.id,
    ageMs: Math.max(0, now - sessionInternals.createdAt(session)),
    expiresInMs: expiresAt === null ? null : Math.max(0, expiresAt - now),
    usageCount: session.usageCount,
    maxUsageCount: sessionInternals.limits(session).maxUsageCount,
    errorScore: session.errorScore,
    key: accountKey(session.account, sealing),
    tag: proxy ? proxyTags.of(proxy) : null,
    body,
  };
}
