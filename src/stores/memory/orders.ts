import type { Order, OrderTarget } from '../store.ts';
import type { StoredRecord } from './record.ts';
import type { MemoryState } from './state.ts';

/** Carries out an order; answers how many sessions it reached. */
export function carryOut(state: MemoryState, target: OrderTarget, order: Order, now: number): number {
  let reached = 0;
  for (const record of targets(state, target)) {
    if (order.kind === 'revive') {
      if (revive(state, record, order, now)) reached++;
    } else if (record.status === 'usable') {
      const held = state.heldOf(record);
      if (held) held.orders = added(held.orders, order);
      else obey(state, record, order, now);
      reached++;
    }
  }
  return reached;
}

/**
 * Gives back a session that is nobody's any more, resting until then if that is to come, and carries out what
 * waited for its holder. Answers whether an order retired it. That order counts before uses and time that are
 * over: it is what somebody meant.
 */
export function giveBack(
  state: MemoryState,
  record: StoredRecord,
  orders: readonly Order[] | null,
  restUntil: number,
  now: number,
): boolean {
  const retire = orders?.find((order) => order.kind === 'retire');
  if (retire) {
    obey(state, record, retire, now);
    return true;
  }
  if (restUntil > now) state.startRest(record, restUntil, now);
  else state.makeReady(record, now);
  if (orders === null) return false;
  for (const order of orders) if (record.status === 'usable') obey(state, record, order, now);
  return false;
}

/** The order that a holder is told of: to retire before anything else, then the last one. */
export function waitingOrder(orders: Order[]): Order | undefined {
  return orders.find((order) => order.kind === 'retire') ?? orders.at(-1);
}

function obey(state: MemoryState, record: StoredRecord, order: Order, now: number): void {
  if (order.kind === 'retire') state.bury(record, 'retired', order.reason, now);
  else if (order.kind === 'rest') rest(state, record, order.ms, order.site, now);
  else if (order.kind === 'lift') lift(state, record, order.site, now);
}

/** Who rests longer already, or is banned, goes on doing so: only `lift` makes it shorter. */
function rest(
  state: MemoryState,
  record: StoredRecord,
  ms: number,
  site: string | undefined,
  now: number,
): void {
  const until = now + ms;
  if (site !== undefined) {
    if (ms > 0) state.sites.block(record, site, now, until);
  } else if (until > (record.rest ? state.rests.keyOf(record.rest) : now)) {
    state.takeOut(record);
    state.startRest(record, until, now);
  }
}

function lift(state: MemoryState, record: StoredRecord, site: string | undefined, now: number): void {
  const lifted = site === undefined ? state.sites.liftAll(record) : state.sites.lift(record, site);
  const isOver = site === undefined && record.rest !== null;
  // A new position at the end: the cursors of sites may have passed the one it had.
  if (isOver || (lifted && record.position >= 0)) {
    state.takeOut(record);
    state.makeReady(record, now);
  }
}

function revive(
  state: MemoryState,
  record: StoredRecord,
  order: Extract<Order, { kind: 'revive' }>,
  now: number,
): boolean {
  if (record.status === 'usable') return false;
  if (order.limit !== undefined && state.living + state.places >= order.limit) return false;
  if (record.key !== null && state.byKey.has(record.key)) return false;
  state.dead.remove(record);
  const isExpired = record.status === 'expired' || (record.expiresAt !== null && record.expiresAt <= now);
  if (isExpired) record.expiresAt = order.expiresInMs === null ? null : now + order.expiresInMs;
  const isUsedUp = record.maxUsageCount !== null && record.usageCount >= record.maxUsageCount;
  if (isUsedUp || record.status === 'used-up') record.usageCount = 0;
  record.status = 'usable';
  record.reason = null;
  record.diedAt = null;
  record.errorScore = 0;
  state.enliven(record);
  state.makeReady(record, now);
  return true;
}

/** One order of a kind and site is enough: the later one counts. So the list stays short. */
function added(orders: Order[] | null, order: Order): Order[] {
  if (orders === null) return [order];
  return [...orders.filter((other) => !isSame(other, order)), order];
}

function isSame(a: Order, b: Order): boolean {
  const siteOf = (order: Order) => ('site' in order ? order.site : undefined);
  return a.kind === b.kind && siteOf(a) === siteOf(b);
}

function* targets(state: MemoryState, target: OrderTarget): Iterable<StoredRecord> {
  if ('tag' in target) {
    yield* state.tags.get(target.tag);
    return;
  }
  for (const id of new Set(target.ids)) {
    const record = state.byId.get(id);
    if (record) yield record;
  }
}
