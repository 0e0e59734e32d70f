import { inspect } from 'node:util';
import { systemClock } from '../internal/clock.ts';
import type { SessionBody } from '../session/body.ts';
import { sessionInternals } from '../session/session.ts';
import type { SessionModel } from '../session/state.ts';
import type { ListedSession, SessionStatus } from '../stores/store.ts';

/** A ban from a site, or a rest for it. */
export interface SiteBlockView {
  readonly site: string;
  readonly sinceAt: Date;
  /** `null`: banned for good. */
  readonly untilAt: Date | null;
}

/** A session of the pool as it stood when it was looked at. To use one, acquire it. */
export class PooledSession {
  readonly id: string;
  readonly state: ListedSession['state'];
  readonly status: SessionStatus;
  /** Why it died; `null` while it lives. */
  readonly reason: string | null;
  readonly usageCount: number;
  readonly errorScore: number;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** When its lease or its rest ends by itself. */
  readonly untilAt: Date | null;
  /** Who holds it, `host:pid`. */
  readonly holder: string | null;
  /** When the lease began, or the session died. */
  readonly sinceAt: Date | null;
  readonly blocks: readonly SiteBlockView[];
  readonly #stored: ListedSession;
  readonly #read: (stored: ListedSession) => SessionBody;

  /** @internal */
  constructor(stored: ListedSession, read: (stored: ListedSession) => SessionBody) {
    this.id = stored.id;
    this.state = stored.state;
    this.status = stored.status;
    this.reason = stored.reason;
    this.usageCount = stored.usageCount;
    this.errorScore = stored.errorScore;
    this.createdAt = new Date(stored.createdAt);
    this.expiresAt = toDate(stored.expiresAt);
    this.untilAt = toDate(stored.untilAt);
    this.holder = stored.holder;
    this.sinceAt = toDate(stored.sinceAt);
    this.blocks = stored.blocks.map(({ site, sinceAt, untilAt }) => ({
      site,
      sinceAt: new Date(sinceAt),
      untilAt: toDate(untilAt),
    }));
    this.#stored = stored;
    this.#read = read;
  }

  /**
   * Its whole state, cookies included; read when asked for.
   * @throws StateError where it cannot be read by this troupe
   */
  get model(): SessionModel {
    const stored = this.#stored;
    const session = sessionInternals.restore({
      id: stored.id,
      life: stored,
      usageCount: stored.usageCount,
      errorScore: stored.errorScore,
      retired: stored.status === 'retired' ? (stored.reason ?? 'retired') : null,
      body: this.#read(stored),
      clock: systemClock,
    });
    return session.getState();
  }

  [inspect.custom](): string {
    const reason = this.reason === null ? '' : `: ${this.reason}`;
    return `PooledSession ${this.id} (${this.state}, ${this.status}${reason}, ${this.usageCount} uses, error score ${this.errorScore})`;
  }
}

function toDate(instant: number | null): Date | null {
  return instant === null ? null : new Date(instant);
}
