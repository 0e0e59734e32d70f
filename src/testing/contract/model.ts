import type { Lease, NewSession, ReleaseChange, SessionStatus } from '../../stores/store.ts';

/** A session as the contract's words describe it, with no thought of speed. */
export interface ModelSession {
  id: string;
  uses: number;
  maxUses: number | null;
  score: number;
  expiresAt: number | null;
  body: string;
  tag: string | null;
  /** Ready since, or resting until. */
  readyAt: number;
  lease: { lease: Lease; until: number } | null;
  blocks: Map<string, number | null>;
  /** Waits for the holder. */
  retireOrder: string | null;
  dead: { status: SessionStatus; reason: string } | null;
  /** It died after its lease ran out, and was revived: whether that still shows is the store's affair. */
  wasAbandoned: boolean;
}

/** What a store must know, in the plainest form. Says what may be handed out, and what must be found. */
export class Model {
  readonly sessions = new Map<string, ModelSession>();
  readonly places = new Map<string, number>();
  now: number;

  constructor(now: number) {
    this.now = now;
  }

  add(session: NewSession, body: string, lease: ModelSession['lease'] = null): ModelSession {
    const added: ModelSession = {
      id: session.id,
      uses: session.usageCount,
      maxUses: session.maxUsageCount,
      score: session.errorScore,
      expiresAt: session.expiresInMs === null ? null : this.now + session.expiresInMs,
      body,
      tag: session.tag ?? null,
      readyAt: this.now,
      lease,
      blocks: new Map(),
      retireOrder: null,
      dead: null,
      wasAbandoned: false,
    };
    this.sessions.set(session.id, added);
    return added;
  }

  isHeld(session: ModelSession): boolean {
    return session.lease !== null && session.lease.until > this.now;
  }

  /** Its lease ran out: that use counts before anybody gets it again. */
  isAbandoned(session: ModelSession): boolean {
    return session.lease !== null && session.lease.until <= this.now;
  }

  /** Nobody may get it any more, whether or not the store has buried it yet. */
  isOver(session: ModelSession): boolean {
    if (session.dead) return true;
    if (this.isHeld(session)) return false;
    const uses = session.uses + (this.isAbandoned(session) ? 1 : 0);
    const isAbandonedByOrder = this.isAbandoned(session) && session.retireOrder !== null;
    return (
      isAbandonedByOrder || this.isExpired(session) || (session.maxUses !== null && uses >= session.maxUses)
    );
  }

  isExpired(session: ModelSession): boolean {
    return session.expiresAt !== null && session.expiresAt <= this.now;
  }

  isBlocked(session: ModelSession, site: string | undefined): boolean {
    const until = site === undefined ? undefined : session.blocks.get(site);
    return until === null || (until !== undefined && until > this.now);
  }

  isEligible(session: ModelSession, site: string | undefined): boolean {
    const isFree = !this.isHeld(session) && session.readyAt <= this.now;
    return isFree && !this.isOver(session) && !this.isBlocked(session, site);
  }

  eligible(site: string | undefined): ModelSession[] {
    return [...this.sessions.values()].filter((session) => this.isEligible(session, site));
  }

  living(): ModelSession[] {
    return [...this.sessions.values()].filter((session) => !this.isOver(session));
  }

  /** Living sessions that belong to it. */
  tagged(tag: string): ModelSession[] {
    return this.living().filter((session) => session.tag === tag);
  }

  reserved(): number {
    return [...this.places.values()].filter((until) => until > this.now).length;
  }

  /** When the next living session could serve by itself; null if none can. */
  nextEligibleAt(site: string | undefined): number | null {
    const instants = this.living().flatMap((session) => {
      const until =
        site === undefined ? 0 : (session.blocks.get(site) ?? (session.blocks.has(site) ? null : 0));
      if (until === null) return [];
      const at = Math.max(session.lease?.until ?? 0, session.readyAt, until);
      const isTooLate = session.expiresAt !== null && session.expiresAt <= at;
      const isLastUse =
        session.lease !== null && session.maxUses !== null && session.uses + 1 >= session.maxUses;
      return isTooLate || isLastUse || session.retireOrder !== null ? [] : [at];
    });
    return instants.length === 0 ? null : Math.min(...instants);
  }

  release(session: ModelSession, change: ReleaseChange, body: string | undefined): 'released' | 'ordered' {
    session.lease = null;
    session.uses = change.usageCount;
    session.score = change.errorScore;
    session.readyAt = this.now + (change.restMs ?? 0);
    if (body !== undefined) session.body = body;
    if (change.tag !== undefined) session.tag = change.tag;
    for (const { site, ms } of change.blocks ?? []) this.block(session, site, ms);
    const order = session.retireOrder;
    session.retireOrder = null;
    if (change.status !== 'usable') {
      session.dead = { status: change.status, reason: change.reason ?? change.status };
    } else if (order !== null) {
      session.dead = { status: 'retired', reason: order };
      return 'ordered';
    }
    return 'released';
  }

  block(session: ModelSession, site: string, ms: number | null): void {
    const before = session.blocks.get(site);
    const until = ms === null ? null : this.now + ms;
    if (ms === 0) session.blocks.delete(site);
    else if (before === undefined || (before !== null && (until === null || until > before)))
      session.blocks.set(site, until);
  }
}
