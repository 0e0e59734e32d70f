import type { SessionBody } from '../session/body.ts';
import type { SessionBond } from '../session/bond.ts';
import { type Session, sessionInternals } from '../session/session.ts';
import type { StoredSession } from '../stores/store.ts';
import type { PoolAccounts } from './accounts/pool-accounts.ts';
import type { PoolContext } from './context.ts';
import { callHook } from './hook.ts';
import type { Pruning } from './pruning.ts';

/** A session's columns, as far as it needs them to be put together again. */
type Columns = Pick<StoredSession, 'id' | 'createdAt' | 'expiresAt' | 'usageCount' | 'errorScore'>;

/** What is done for those who have died: their account is free, and they are logged out. */
export class Retirement {
  readonly #context: PoolContext;
  readonly #accounts: PoolAccounts | undefined;
  readonly #pruning: Pruning;
  readonly #underWay = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(context: PoolContext, accounts: PoolAccounts | undefined, pruning: Pruning) {
    this.#context = context;
    this.#accounts = accounts;
    this.#pruning = pruning;
  }

  /** It died in a lease of ours. */
  died(columns: Columns, body: SessionBody, reason: string): void {
    this.#count();
    this.#dismiss(columns, body, reason);
  }

  /** It died in our hands before any task had it, and nobody has told of it yet. */
  diedUnused(columns: Columns, body: SessionBody, reason: string): void {
    const { connections, bodies, events } = this.#context;
    connections.drop(columns.id);
    bodies.forget(columns.id);
    events.emit('retired', { sessionId: columns.id, reason, evidence: '' });
    this.died(columns, body, reason);
  }

  #count(): void {
    this.#pruning.died();
    this.#context.proxies?.died();
  }

  #dismiss(columns: Columns, body: SessionBody, reason: string): void {
    const { onRetire } = this.#context.settings;
    if (body.account !== undefined) this.#accounts?.freed(body.account);
    if (!onRetire) return;
    const work = this.#tell(this.#restored(columns, body, reason), reason);
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  /** It was retired by us, and nobody had it. One that somebody has dies when it is given back, there. */
  async retired(id: string, reason: string): Promise<void> {
    const { settings, store, bodies, events } = this.#context;
    this.#count();
    if (!settings.onRetire && !this.#accounts) return;
    const stored = await store.get(id);
    if (stored?.state !== 'dead') return;
    try {
      this.#dismiss(stored, bodies.read(stored), reason);
    } catch (error) {
      events.emit('error', { error, during: `onRetire of session ${id}` });
    }
  }

  /** The pool closes: who takes longer than this is told to stop. */
  async settled(maxMs: number): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(new Error('the pool closes')), maxMs);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    clearTimeout(timer);
  }

  async #tell(session: Session, reason: string): Promise<void> {
    const { settings, events, connections } = this.#context;
    const account = this.#accounts?.list.find(session.account);
    try {
      await callHook('onRetire', settings.createTimeoutMs, [this.#stop.signal], (signal) =>
        settings.onRetire!(session, reason, account ? { account, signal } : { signal }),
      );
    } catch (error) {
      events.emit('error', { error, during: `onRetire of session ${session.id}` });
    } finally {
      connections.drop(session.id);
    }
  }

  #restored({ id, usageCount, errorScore, ...life }: Columns, body: SessionBody, reason: string): Session {
    const { storeClock: clock } = this.#context;
    const session = sessionInternals.restore({
      id,
      life,
      usageCount,
      errorScore,
      retired: reason,
      body,
      clock,
    });
    sessionInternals.bind(session, this.#bond(session));
    return session;
  }

  /** It fetches over the pool's connections; nobody judges it any more. */
  #bond(session: Session): SessionBond {
    const { connections, settings } = this.#context;
    return {
      guard() {},
      beforeHop() {},
      transport: () => connections.for(session),
      enter: async () => () => {},
      onOutcome: () => undefined,
      onPage() {},
      maxBodyBytes: settings.maxBodyBytes,
      signal: this.#stop.signal,
    };
  }
}
