import { die } from './death.ts';
import { obeyWaiting, waitingOrders } from './obey.ts';
import { isExpired, isUsedUp, rowBySid, type SessionRow } from './records.ts';
import type { Work } from './work.ts';

/**
 * Counts the use of a lease that ran out, and carries out the orders that waited for its holder. The session then
 * is as if it had been given back, marked as recovered for whoever gets it next.
 */
export function recover(work: Work, row: SessionRow): SessionRow | undefined {
  const orders = waitingOrders(row);
  const freed = { ...row, token: null, uses: row.uses + 1, recovered: 1, orders: null };
  work.sql.run(
    'UPDATE session SET token = NULL, uses = ?, recovered = 1, orders = NULL WHERE sid = ?',
    freed.uses,
    freed.sid,
  );
  if (orders.length === 0) return freed;
  return obeyWaiting(work, freed, orders) ? undefined : rowBySid(work, row.sid);
}

/** Ends a session that must not be used again. Answers whether it lives on. */
export function survives(work: Work, row: SessionRow): boolean {
  if (isUsedUp(row)) die(work, row, 'used-up');
  else if (isExpired(work, row)) die(work, row, 'expired');
  else return true;
  return false;
}
