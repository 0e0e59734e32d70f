import type { Order, OrderTarget } from '../store.ts';
import { rowByKey } from './create.ts';
import { die } from './death.ts';
import { type LivingOrder, leaveOrder, obey } from './obey.ts';
import {
  COLUMNS,
  isExpired,
  isLeased,
  isUsedUp,
  rowById,
  type SessionRow,
  statuses,
  toRow,
} from './records.ts';
import { recover } from './settle.ts';
import { hasRoom } from './vacancy.ts';
import type { Work } from './work.ts';

/** Sessions that one transaction carries an order to. */
export const ORDER_STEP = 256;

export interface OrderStep {
  reached: number;
  /** Where the next step goes on; undefined at the end. */
  next: number | undefined;
}

/** Carries an order to a part of its target. Revived rows change sides, so the way goes by row number. */
export function orderStep(work: Work, target: OrderTarget, order: Order, from: number): OrderStep {
  const [rows, next] =
    'ids' in target ? rowsOfIds(work, target.ids, from) : rowsOfTag(work, target.tag, from);
  const reached = rows.filter((row) =>
    order.kind === 'revive' ? revive(work, row, order) : give(work, row, order),
  ).length;
  return { reached, next };
}

function rowsOfIds(work: Work, ids: readonly string[], from: number): [SessionRow[], number | undefined] {
  const end = from + ORDER_STEP;
  const rows = ids.slice(from, end).map((id) => rowById(work, id));
  return [rows.filter((row) => row !== undefined), end < ids.length ? end : undefined];
}

function rowsOfTag(work: Work, tag: string, from: number): [SessionRow[], number | undefined] {
  const rows = work.sql
    .all(
      `SELECT ${COLUMNS} FROM session s WHERE s.tag = ? AND s.sid >= ? ORDER BY s.sid LIMIT ${ORDER_STEP}`,
      tag,
      from,
    )
    .map(toRow);
  return [rows, rows.length < ORDER_STEP ? undefined : rows.at(-1)!.sid + 1];
}

/** Answers whether a living session was reached. */
function give(work: Work, row: SessionRow, order: LivingOrder): boolean {
  if (row.died !== null) return false;
  if (isLeased(work, row)) {
    leaveOrder(work, row, order);
    return true;
  }
  const free = row.token === null ? row : recover(work, row);
  if (free === undefined || free.died !== null) return true;
  if (order.kind !== 'retire' && isUsedUp(free)) die(work, free, 'used-up');
  else obey(work, free, order);
  return true;
}

/** Answers whether a dead session lives again. One whose key somebody living has stays dead. */
function revive(work: Work, row: SessionRow, order: Extract<Order, { kind: 'revive' }>): boolean {
  if (row.died === null) return false;
  if (row.key !== null && rowByKey(work, row.key)) return false;
  if (order.limit !== undefined && !hasRoom(work, order.limit)) return false;
  const status = statuses[row.status];
  const isPast = status === 'expired' || isExpired(work, row);
  const newExpiry = order.expiresInMs === null ? null : work.msIn(order.expiresInMs);
  work.sql.run(
    `UPDATE session SET status = 0, reason = NULL, died = NULL, due = ?, score = 0, uses = ?, expires = ?
     WHERE sid = ?`,
    work.tick(),
    status === 'used-up' || isUsedUp(row) ? 0 : row.uses,
    isPast ? newExpiry : row.expires,
    row.sid,
  );
  work.counters.add('living', 1);
  work.counters.add('dead', -1);
  return true;
}
