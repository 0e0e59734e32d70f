import type { Order } from '../store.ts';
import { clearBlocks, liftBlock, setBlock } from './blocks.ts';
import { die } from './death.ts';
import type { SessionRow } from './records.ts';
import type { Work } from './work.ts';

/** An order that a living session can be given. */
export type LivingOrder = Exclude<Order, { kind: 'revive' }>;

/** Carries out an order on a session that nobody holds. */
export function obey(work: Work, row: SessionRow, order: LivingOrder): void {
  switch (order.kind) {
    case 'retire':
      die(work, row, 'retired', order.reason);
      break;
    case 'rest':
      if (order.site === undefined) restEverywhere(work, row, order.ms);
      else if (order.ms > 0) setBlock(work, row.sid, order.site, order.ms);
      break;
    case 'lift':
      lift(work, row, order.site);
  }
}

function restEverywhere(work: Work, row: SessionRow, ms: number): void {
  const due = work.tickIn(ms);
  if (ms <= 0 || (row.due !== null && row.due >= due)) return;
  work.sql.run('UPDATE session SET due = ?, resting = 1 WHERE sid = ?', due, row.sid);
  work.counters.add('resting', 1 - row.resting);
  row.due = due;
  row.resting = 1;
}

/** Whoever becomes more eligible by it goes to the end of the queue: hints of other processes rely on that. */
function lift(work: Work, row: SessionRow, site: string | undefined): void {
  const isResting = row.due !== null && row.due > work.dueNow;
  const isLifted = site === undefined ? clearBlocks(work, row.sid) > 0 : liftBlock(work, row.sid, site);
  const endsRest = site === undefined && isResting;
  if (!endsRest && (!isLifted || isResting)) return;
  row.due = work.tick();
  work.sql.run('UPDATE session SET due = ?, resting = 0 WHERE sid = ?', row.due, row.sid);
  work.counters.add('resting', -row.resting);
  row.resting = 0;
}

/** The orders that wait for a holder, in the order in which they came. */
export function waitingOrders(row: { orders: string | null }): LivingOrder[] {
  return row.orders === null ? [] : (JSON.parse(row.orders) as LivingOrder[]);
}

/** Leaves an order for the holder. A later one of the same kind and site takes the place of the earlier. */
export function leaveOrder(work: Work, row: SessionRow, order: LivingOrder): void {
  const isSame = (other: LivingOrder) => other.kind === order.kind && siteOf(other) === siteOf(order);
  const others = waitingOrders(row).filter((other) => !isSame(other));
  row.orders = JSON.stringify([...others, order]);
  work.sql.run('UPDATE session SET orders = ? WHERE sid = ?', row.orders, row.sid);
}

/** The one a holder is told of: to retire outweighs all others. */
export function mostSevere(orders: readonly LivingOrder[]): LivingOrder | undefined {
  return orders.find((order) => order.kind === 'retire') ?? orders.at(-1);
}

function siteOf(order: LivingOrder): string | undefined {
  return order.kind === 'retire' ? undefined : order.site;
}

/** Carries out what waited, until one of them ends the session. Answers whether one did. */
export function obeyWaiting(work: Work, row: SessionRow, orders: readonly LivingOrder[]): boolean {
  const retire = orders.find((order) => order.kind === 'retire');
  if (retire) {
    obey(work, row, retire);
    return true;
  }
  for (const order of orders) obey(work, row, order);
  return false;
}
