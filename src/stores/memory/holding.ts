import {
  type CreateResult,
  type Lease,
  MAX_LOOKED_AT,
  type NewSession,
  type ReleaseChange,
  type ReleaseResult,
  type Renewal,
  type RenewOutcome,
} from '../store.ts';
import { advance } from './advance.ts';
import { giveBack, waitingOrder } from './orders.ts';
import type { Held, StoredRecord } from './record.ts';
import { type MemoryState, PLACE_ID } from './state.ts';

/** The lease under way that this is; `undefined` if it is over. */
function heldBy(state: MemoryState, lease: Lease, now: number): Held | undefined {
  const held = state.held.get(lease.fence);
  if (held === undefined || lease.token !== state.token || state.leases.keyOf(held) <= now) return undefined;
  return lease.id === (held.record === null ? PLACE_ID : held.record.id) ? held : undefined;
}

/** Turns a place into a session that stays leased, under a fence of its own. */
export function create(state: MemoryState, place: Lease, session: NewSession, now: number): CreateResult {
  const held = heldBy(state, place, now);
  if (held === undefined || held.record !== null) return { kind: 'lost' };
  if (isTaken(state, session)) return { kind: 'duplicate' };
  if (!hasTagRoom(state, session, 0)) {
    // Those of it that have expired may wait behind others.
    advance(state, now, MAX_LOOKED_AT);
    if (!hasTagRoom(state, session, 0)) return { kind: 'tag-full' };
  }
  const until = state.leases.keyOf(held);
  state.endLease(held);
  const record = state.insert(session, now);
  const own = state.hold(record, held.holder, now, until);
  return { kind: 'created', lease: { id: record.id, token: state.token, fence: own.fence } };
}

/** Whether a living session has this id or key. */
export function isTaken(state: MemoryState, session: NewSession): boolean {
  if (state.byId.get(session.id)?.status === 'usable') return true;
  return session.key != null && state.byKey.has(session.key);
}

/** Whether its tag allows for one more, besides so many that come with it. */
export function hasTagRoom(state: MemoryState, { tag, tagLimit }: NewSession, others: number): boolean {
  return tag == null || tagLimit === undefined || state.tags.living(tag) + others < tagLimit;
}

/** Gives a session or a place back. */
export function release(
  state: MemoryState,
  lease: Lease,
  change: ReleaseChange | null,
  now: number,
): ReleaseResult {
  const held = heldBy(state, lease, now);
  if (held === undefined) return 'lost';
  state.endLease(held);
  const { record } = held;
  if (record === null) return 'released';
  if (change !== null) {
    apply(state, record, change, now);
    if (record.status !== 'usable') return 'released';
  }
  return giveBack(state, record, held.orders, now + (change?.restMs ?? 0), now) ? 'ordered' : 'released';
}

/** Writes what a use changed, on a record that is in no queue. */
function apply(state: MemoryState, record: StoredRecord, change: ReleaseChange, now: number): void {
  record.usageCount = change.usageCount;
  // A score with a fraction is an object: writing it makes the garbage collector remember the record.
  if (record.errorScore !== change.errorScore) record.errorScore = change.errorScore;
  if (change.body !== undefined) record.body = change.body;
  if (change.tag !== undefined) state.retag(record, change.tag);
  if (change.status !== 'usable') {
    state.bury(record, change.status, change.reason ?? null, now);
    return;
  }
  if (change.blocks === undefined || change.blocks.length === 0) return;
  for (const { site, ms } of change.blocks) {
    if (ms === 0) state.sites.lift(record, site);
    else state.sites.block(record, site, now, ms === null ? null : now + ms);
  }
  state.sites.tidy(record, now);
}

/** Extends leases and saves bodies, one outcome each. */
export function renew(state: MemoryState, renewals: readonly Renewal[], now: number): RenewOutcome[] {
  return renewals.map(({ lease, leaseMs, body }): RenewOutcome => {
    const held = heldBy(state, lease, now);
    if (held === undefined) return { kind: 'lost' };
    state.leases.update(held, now + leaseMs);
    if (held.record && body !== undefined) held.record.body = body;
    const order = held.orders === null ? undefined : waitingOrder(held.orders);
    return order ? { kind: 'held', order } : { kind: 'held' };
  });
}
