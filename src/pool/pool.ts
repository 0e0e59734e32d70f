import { OptionError, PoolClosedError, StoreError } from '../errors.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { callable, checkOptions, number, oneOf, plainObject, text } from '../internal/options.ts';
import type { SessionOptions } from '../session/options.ts';
import { Session, sessionInternals } from '../session/session.ts';
import { siteNamed } from '../session/site-name.ts';
import { memoryStore } from '../stores/memory/memory-store.ts';
import { openStore } from '../stores/open-store.ts';
import type { ListedSession, SessionStore } from '../stores/store.ts';
import { AccountList } from './accounts/account-list.ts';
import { AccountAdmin } from './accounts/admin.ts';
import { type PoolCore, poolCore } from './core.ts';
import { newSession } from './creation.ts';
import { agreeOnKeys } from './encryption/agreement.ts';
import type { Sealing } from './encryption/sealing.ts';
import { PoolEventBus, type PoolEventName, type PoolEvents } from './events.ts';
import { type PoolFetchInit, poolFetch } from './fetch.ts';
import type { PoolFingerprints } from './fingerprints.ts';
import type { SessionLease } from './lease.ts';
import { openFor } from './opening.ts';
import {
  type AcquireOptions,
  checkRunOptions,
  type PoolSettings,
  poolSettings,
  type RunOptions,
  type SessionPoolOptions,
  sealingOf,
} from './options.ts';
import { pagesOf } from './pages.ts';
import { PooledSession } from './pooled-session.ts';
import { checkReviveOptions, type ReviveOptions, reviveMany } from './revive.ts';
import { run, type Task } from './run.ts';
import { type PoolStats, poolStats } from './stats.ts';

/** With its store away, a pool that closes gives up after so long: what it still held then runs out. */
const MAX_CLOSING_MS = 5_000;

/**
 * Keeps simulated users, gives each to one task at a time, rests the tired, retires the burnt and replaces them.
 * Opened on first use; closed by `close()`, `drain()` or `await using`.
 */
export class SessionPool implements AsyncDisposable {
  readonly #settings: PoolSettings;
  readonly #given: Pick<SessionPoolOptions, 'store' | 'clock'>;
  readonly #sealing: Sealing | undefined;
  readonly #events: PoolEventBus;
  #core: PoolCore | undefined;
  #opening: Promise<PoolCore> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param options all optional; see {@link SessionPoolOptions}
   * @throws OptionError naming a wrong or unknown option
   */
  constructor(options: SessionPoolOptions = {}) {
    this.#settings = poolSettings(options);
    const { store, clock } = options;
    this.#given = { ...(store && { store }), ...(clock && { clock }) };
    this.#sealing = sealingOf(options);
    this.#events = new PoolEventBus(this.#settings.name);
    // `fetch` is handed to other clients as it is: ky.create({ fetch: pool.fetch }).
    this.fetch = this.fetch.bind(this);
  }

  /** What the store knows of accounts, to look at and to correct; also of a pool without `accounts`. */
  get accounts(): AccountAdmin {
    return new AccountAdmin(() => this.#open());
  }

  get name(): string {
    return this.#settings.name;
  }

  /** Listens to an event of {@link PoolEvents}; the returned function stops listening. */
  on<Name extends PoolEventName>(name: Name, listener: (event: PoolEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Opens the pool now, and not with its first use; with `minReady`, its stock is begun.
   * @throws StoreError where the store cannot be opened, and what the function `accounts` throws
   */
  async open(): Promise<void> {
    await this.#open();
  }

  /**
   * Leases a session: one, exclusively, until `lease.release()`. Waits in line if none is free.
   * @throws AcquireError `ACQUIRE_TIMEOUT`, or `NO_SESSION` at once where none can become free
   * @throws StoreError `STORE_UNAVAILABLE` where the store was away for all of that time
   * @throws CreateError where a new one was needed and could not be made
   */
  acquire(options?: AcquireOptions): Promise<SessionLease> {
    if (this.#core) return this.#core.acquirer.acquire(options);
    const opening = this.#open();
    // Open at once, with a store that was given: whoever comes next must not overtake the first.
    if (this.#core) return this.acquire(options);
    // Whoever else is to hear that it cannot be opened hears it from a promise of his own.
    opening.catch(() => {});
    return openFor(options, this.#settings, () => this.#open()).then(({ acquirer }) =>
      acquirer.acquire(options),
    );
  }

  /**
   * Runs a task with a session of its own and gives the session back, marked: by the gravest verdict of the task's
   * fetches, or as the task marked it itself. With `retries` it is run again as another user when the verdict is not `ok`.
   */
  async run<T>(task: Task<T>, options: RunOptions = {}): Promise<T> {
    callable(task, 'task');
    checkRunOptions(options);
    return run(task, options, (ask) => this.acquire(ask));
  }

  /**
   * A Web-standard `fetch` as a user of this pool, retried as another where the verdict and the method allow it. Fit for
   * `ky.create({ fetch: pool.fetch })`. When retries are spent, the last answer is returned; {@link troupeInfo} tells more.
   * @throws FetchError (a `TypeError`) where there was no answer
   * @throws AcquireError where there was no session
   */
  async fetch(input: string | URL | Request, init: PoolFetchInit = {}): Promise<Response> {
    return poolFetch(input, init, this.#settings, (ask) => this.acquire(ask));
  }

  /**
   * Adds sessions: made elsewhere, or from options; all or none. Answers their ids.
   * @throws StoreError `DUPLICATE_SESSION`, `POOL_FULL`, or `PROXY_FULL` where a proxy of the pool's list would have more
   * sessions than `maxSessionsPerProxy`
   */
  async add(sessions: Session | SessionOptions | readonly (Session | SessionOptions)[]): Promise<string[]> {
    const list = (Array.isArray(sessions) ? sessions : [sessions]) as (Session | SessionOptions)[];
    const { clock } = this.#given;
    const added = list.map((item, index) => {
      if (item instanceof Session) return item;
      plainObject(item, `sessions.${index}`);
      return new Session(clock ? { clock, ...item } : item);
    });
    const { context, acquirer, book } = await this.#open();
    if (added.some((session) => session.proxy)) await context.proxyTags.load();
    const records = added.map((session, index) => {
      const body = context.bodies.write(session.id, sessionInternals.body(usable(session, index)));
      const record = newSession(session, body, context);
      const tagLimit = context.proxies?.limitOf(record.tag);
      return tagLimit === undefined ? record : { ...record, tagLimit };
    });
    const result = await context.store.add(records, this.#settings.maxPoolSize);
    if (result.kind === 'duplicate') {
      throw new StoreError(
        'DUPLICATE_SESSION',
        `pool "${this.name}" has a session ${result.id} already; none was added`,
      );
    }
    if (result.kind === 'tag-full') {
      const { id, tag, tagLimit } = records.find((record) => record.id === result.id)!;
      const proxy = context.proxies!.nameOf(tag!);
      const message = `the proxy ${proxy} has no room for session ${id} (maxSessionsPerProxy ${tagLimit}); none was added`;
      throw new StoreError('PROXY_FULL', message);
    }
    if (result.kind === 'full') {
      const message = `pool "${this.name}" has no room for ${added.length} more sessions (maxPoolSize ${this.#settings.maxPoolSize}); none was added`;
      throw new StoreError('POOL_FULL', message);
    }
    for (const session of added) {
      await book.adopt(session);
      for (const { site, leftMs } of sessionInternals.rests(session) ?? []) {
        await this.rest(session.id, leftMs, site === null ? {} : { site });
      }
    }
    acquirer.line.offer();
    return added.map(({ id }) => id);
  }

  /** A session as it stands, to look at; `undefined` if there is none of that id. */
  async get(id: string): Promise<PooledSession | undefined> {
    text(id, 'id');
    const core = await this.#open();
    const stored = await core.context.store.get(id);
    return stored && this.#view(core, stored);
  }

  /** All sessions in the order of their ids, or those in one state. */
  async *list(
    options: { state?: ListedSession['state'] } = {},
  ): AsyncGenerator<PooledSession, void, undefined> {
    checkOptions(options, { state: oneOf('ready', 'leased', 'resting', 'dead') });
    const core = await this.#open();
    for await (const page of pagesOf(core.context.store, options)) {
      for (const stored of page) yield this.#view(core, stored);
    }
  }

  /** Retires a session for good; a holder's `lease.signal` aborts. Answers whether a living one was there. */
  async retire(id: string, reason = 'retired from outside'): Promise<boolean> {
    text(id, 'id');
    text(reason, 'reason');
    const { context, held, acquirer, retirement } = await this.#open();
    const reached = await context.store.order({ ids: [id] }, { kind: 'retire', reason });
    if (reached === 0) return false;
    held.abort(id, reason);
    context.connections.drop(id);
    context.bodies.forget(id);
    context.events.emit('retired', { sessionId: id, reason, evidence: '' });
    await retirement.retired(id, reason);
    acquirer.line.offer();
    return true;
  }

  /**
   * Makes a dead session living again: error score 0, bans and rests lifted, a new age if it had expired, its uses from 0
   * if it had used them up. Answers whether there was one, and room for it.
   */
  revive(id: string): Promise<boolean>;
  /**
   * The same for all that died for a reason, or since an instant, or both: undoes what a wrong rule has done. Answers how many
   * it revived; those for whom there is no room stay dead.
   */
  revive(which: ReviveOptions): Promise<number>;
  async revive(which: string | ReviveOptions): Promise<boolean | number> {
    if (typeof which === 'string') text(which, 'id');
    else checkReviveOptions(which);
    const { context, acquirer } = await this.#open();
    const { maxAgeMs = 3_000_000 } = this.#settings.session;
    const order = { kind: 'revive', expiresInMs: maxAgeMs, limit: this.#settings.maxPoolSize } as const;
    const revived =
      typeof which === 'string'
        ? await context.store.order({ ids: [which] }, order)
        : await reviveMany(context.store, which, order);
    if (revived > 0) acquirer.line.offer();
    return typeof which === 'string' ? revived > 0 : revived;
  }

  /** Rests a session for so many milliseconds, everywhere or for a site; 0 ends its rest. Answers whether it lives. */
  async rest(id: string, ms: number, options: { site?: string | URL } = {}): Promise<boolean> {
    text(id, 'id');
    number()(ms, 'ms');
    checkOptions(options, { site: () => {} });
    const { context, acquirer } = await this.#open();
    const where = options.site === undefined ? {} : { site: siteNamed(options.site) };
    const order =
      ms === 0 ? ({ kind: 'lift', ...where } as const) : ({ kind: 'rest', ms, ...where } as const);
    const reached = await context.store.order({ ids: [id] }, order);
    if (reached > 0 && ms > 0) {
      context.events.emit('rested', {
        sessionId: id,
        ...where,
        ms,
        reason: 'rested from outside',
        evidence: '',
      });
    }
    acquirer.line.offer();
    return reached > 0;
  }

  /** Removes a session wholly, dead or alive. Answers whether there was one. */
  async remove(id: string): Promise<boolean> {
    text(id, 'id');
    const { context, held, acquirer } = await this.#open();
    const removed = await context.store.remove([id]);
    held.abort(id, 'removed from outside');
    context.connections.drop(id);
    context.bodies.forget(id);
    acquirer.line.offer();
    return removed > 0;
  }

  /** Removes the dead that were kept for `keepRetiredMs`, or beyond 10 000. Happens by itself, too. Answers how many. */
  async prune(): Promise<number> {
    return (await this.#open()).pruning.prune();
  }

  /** How the pool stands: counters, not a walk over sessions. */
  async stats(): Promise<PoolStats> {
    return poolStats(await this.#open());
  }

  /** For SIGTERM: gives out no more sessions, waits for the held ones, closes. */
  async drain(): Promise<void> {
    if (this.#closing || (!this.#core && !this.#opening)) return this.close();
    const { acquirer, held } = await this.#open();
    acquirer.refuse(`pool "${this.name}" is draining`);
    await acquirer.settled();
    await held.empty();
    await this.close();
  }

  /**
   * Gives back what is held, with what its tasks have done so far, tells them, and lets go of everything. With the store
   * away it ends after some seconds, and what could not be given back is an event `lost`. May be called twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const opening = this.#opening;
    // Whoever comes now is refused, also by a pool that was never used.
    this.#opening = Promise.reject(new PoolClosedError(`pool "${this.name}" is closed`));
    this.#opening.catch(() => {});
    // A store that could not be opened was told to whoever asked: there is nothing to close.
    const core = await opening?.catch(() => undefined);
    if (!core) return;
    const { context, held, acquirer, pruning, retirement, stock } = core;
    acquirer.refuse(`pool "${this.name}" is closed`);
    context.outage.endIn(MAX_CLOSING_MS);
    await stock.stop();
    await acquirer.settled();
    await held.giveBackAll('the pool closes');
    held.stop();
    pruning.stop();
    context.proxies?.stop();
    await context.sites.close();
    await retirement.settled(MAX_CLOSING_MS);
    await context.connections.close();
    if (typeof this.#given.store !== 'object') await context.store.close();
  }

  /** The pool's parts; the first who needs them opens the store. */
  #open(): Promise<PoolCore> {
    this.#opening ??= this.#assemble();
    return this.#opening;
  }

  async #assemble(): Promise<PoolCore> {
    const { store: given, clock = systemClock } = this.#given;
    const fingerprints = await this.#loadIdentities();
    const accounts = await this.#loadAccounts(clock);
    const store: SessionStore =
      typeof given === 'string' ? await openStore(given) : (given ?? memoryStore({ clock }));
    const sharesClock = given === undefined;
    const core = poolCore(
      this.#settings,
      store,
      this.#events,
      clock,
      sharesClock,
      this.#sealing,
      fingerprints,
      accounts,
    );
    await this.#ready(core);
    this.#core = core;
    core.stock.start();
    return core;
  }

  /** What sessions appear as is loaded first: a package that is missing shows before anything is opened. */
  async #loadIdentities(): Promise<PoolFingerprints | undefined> {
    const { fingerprints, transport } = this.#settings;
    if (transport === 'impit') await (await import('../transport/impit-package.ts')).loadImpit();
    if (fingerprints === false) return undefined;
    const { PoolFingerprints } = await import('./fingerprints.ts');
    return PoolFingerprints.load(this.#settings, this.#events);
  }

  /** A source that fails is told to whoever opens the pool; the next call asks it anew. */
  async #loadAccounts(clock: Clock): Promise<AccountList | undefined> {
    const { accounts } = this.#settings;
    if (accounts === undefined) return undefined;
    const list = new AccountList(accounts, clock, this.#events);
    try {
      await list.load();
    } catch (error) {
      if (!this.#closing) this.#opening = undefined;
      throw error;
    }
    return list;
  }

  /**
   * Whoever cannot read what is stored, or the file of proxies, is told before anything is done; the next call finds out
   * anew.
   */
  async #ready({ context, pruning }: PoolCore): Promise<void> {
    try {
      // Live bodies are nowhere at rest.
      if (context.store.capabilities.bodies === 'text') await agreeOnKeys(context.store, this.#sealing);
      await context.proxies?.open();
      await context.sites.open();
    } catch (error) {
      if (!this.#closing) this.#opening = undefined;
      pruning.stop();
      context.proxies?.stop();
      await context.connections.close();
      if (typeof this.#given.store === 'string') await context.store.close();
      throw error;
    }
  }

  #view({ context }: PoolCore, stored: ListedSession): PooledSession {
    return new PooledSession(stored, (read) => context.bodies.read(read));
  }
}

function usable(session: Session, index: number): Session {
  if (session.status === 'usable') return session;
  throw new OptionError(
    `sessions.${index}`,
    `session ${session.id} is ${session.status}: a pool takes usable sessions`,
  );
}
