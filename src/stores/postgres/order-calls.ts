import type { Order, OrderTarget } from '../store.ts';
import { canBeStored, checkIndexed, checkText } from './checks.ts';
import { wholeMs } from './server-time.ts';
import type { Work } from './work.ts';

/** Sessions that one statement carries an order to. */
const ORDER_STEP = 256;

/** Carries an order out, in steps: no statement holds many rows for long. */
export async function giveOrder(work: Work, target: OrderTarget, order: Order): Promise<number> {
  const json = JSON.stringify(asStored(order));
  let reached = 0;
  if ('ids' in target) {
    const ids = target.ids.filter(canBeStored);
    for (let from = 0; from < ids.length; from += ORDER_STEP) {
      const [row] = await step(work, [ids.slice(from, from + ORDER_STEP), null, null, json]);
      reached += row![0] as number;
    }
  } else if (canBeStored(target.tag)) {
    for (let from: number | null = 0; from !== null; ) {
      const [row]: unknown[][] = await step(work, [null, target.tag, from, json]);
      reached += row![0] as number;
      from = row![1] as number | null;
    }
  }
  return reached;
}

async function step(work: Work, values: unknown[]): Promise<unknown[][]> {
  const rows = await work.database.run(work.sql.orderStep, [work.time.moment(), ...values]);
  work.freedSome();
  return rows;
}

/** As the schema keeps it for a holder, with durations that JSON and the server can hold. */
function asStored(order: Order): Order {
  if (order.kind === 'retire') checkText(order.reason, 'reason');
  if ((order.kind === 'rest' || order.kind === 'lift') && order.site !== undefined)
    checkIndexed(order.site, 'site');
  if (order.kind === 'rest') return { ...order, ms: wholeMs(order.ms) };
  if (order.kind === 'revive' && order.expiresInMs !== null) {
    return { ...order, expiresInMs: wholeMs(order.expiresInMs) };
  }
  return order;
}

type LivingOrder = Exclude<Order, { kind: 'revive' }>;

/** The one a holder is told of: to retire outweighs all others. */
export function mostSevere(orders: readonly LivingOrder[]): LivingOrder | undefined {
  return orders.find((order) => order.kind === 'retire') ?? orders.at(-1);
}
