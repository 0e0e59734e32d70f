import { giveBack } from './orders.ts';
import type { Held } from './record.ts';
import type { MemoryState } from './state.ts';

/** What a call that hands out or takes back does of it at most, however much has ended at once. */
export const STEPS_PER_CALL = 32;
/** The same for calls made by people, which show the whole. */
export const STEPS_PER_VIEW = 4096;

/** Whether something has ended that {@link advance} has not dealt with. */
export function isBehind(state: MemoryState, now: number): boolean {
  return state.leases.firstKey <= now || state.rests.firstKey <= now || state.expiries.firstKey <= now;
}

/** Does what time alone does: leases run out, rests end, sessions expire. A bounded part of it a call. */
export function advance(state: MemoryState, now: number, steps: number): void {
  let left = steps;
  for (; left > 0 && state.leases.firstKey <= now; left--) runOut(state, state.leases.first!, now);
  for (; left > 0 && state.rests.firstKey <= now; left--) {
    const { record } = state.rests.first!;
    state.takeOut(record);
    state.makeReady(record, now);
  }
  for (; left > 0 && state.expiries.firstKey <= now; left--) {
    const record = state.expiries.first!;
    // Never in the middle of a use: what is held is buried when it comes back.
    if (record.fence > 0) state.expiries.remove(record);
    else state.bury(record, 'expired', null, now);
  }
  state.looked += steps - left;
}

/** A lease that ended without release: one use, whatever its holder did. A place is simply free again. */
export function runOut(state: MemoryState, held: Held, now: number): void {
  const { record } = held;
  state.endLease(held);
  if (record === null) return;
  record.usageCount++;
  record.recovered = true;
  giveBack(state, record, held.orders, now, now);
}
