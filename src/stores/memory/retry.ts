import { type LeaseRequest, MAX_LOOKED_AT } from '../store.ts';
import { blockOf, type StoredRecord } from './record.ts';
import type { MemoryState } from './state.ts';

/**
 * How long until something ends that may serve the request: a lease, a rest, a place. It may be too early (the
 * waiter asks again), never too late; `null` only where nothing that is known to end would help.
 */
export function retryInMs(state: MemoryState, request: LeaseRequest, now: number): number | null {
  const { limit } = request;
  const fits = limit !== undefined && state.living + state.places <= limit;
  const site = request.site === undefined ? undefined : state.sites.get(request.site);
  // Whoever comes back makes room if nobody else is left for the site.
  const makesRoom = fits && site !== undefined && site.banned === state.living;
  const helps = (record: StoredRecord | null) => {
    if (record === null) return fits;
    if (site === undefined || makesRoom) return true;
    return blockOf(record, site.name)?.index !== -1;
  };
  const earliest = Math.min(
    state.leases.earliest((held) => helps(held.record), MAX_LOOKED_AT),
    state.rests.earliest((rest) => helps(rest.record), MAX_LOOKED_AT),
    site ? site.rests.firstKey : Number.POSITIVE_INFINITY,
    fits ? state.expiries.firstKey : Number.POSITIVE_INFINITY,
  );
  return earliest === Number.POSITIVE_INFINITY ? null : Math.max(0, earliest - now);
}
