import type { Renewal, RenewOutcome } from '../store.ts';
import { writeBody } from './bodies.ts';
import { mostSevere, waitingOrders } from './obey.ts';
import { isPlaceToken, sidOf } from './tokens.ts';
import type { Work } from './work.ts';

/** Extends one lease, of a session or of a place, and tells of the orders that wait for its holder. */
export function renew(work: Work, { lease, leaseMs, body }: Renewal): RenewOutcome {
  const due = work.tickIn(leaseMs);
  if (isPlaceToken(lease.token)) {
    const extended = work.sql.run(
      'UPDATE place SET until = ? WHERE id = ? AND token = ? AND until > ?',
      due,
      lease.id,
      lease.token,
      work.dueNow,
    );
    return extended > 0 ? { kind: 'held' } : { kind: 'lost' };
  }
  const sid = sidOf(lease.token);
  const held = work.sql.get(
    `UPDATE session SET due = ? WHERE sid = ? AND token = ? AND id = ? AND fence = ? AND due > ?
     RETURNING orders`,
    due,
    sid,
    lease.token,
    lease.id,
    lease.fence,
    work.dueNow,
  );
  if (held === undefined) return { kind: 'lost' };
  if (body !== undefined) writeBody(work, sid, body);
  const order = mostSevere(waitingOrders({ orders: held[0] as string | null }));
  return order === undefined ? { kind: 'held' } : { kind: 'held', order };
}
