import { type LeaseRequest, MAX_LOOKED_AT } from '../store.ts';
import { blockOf, type StoredRecord } from './record.ts';
import type { Site } from './sites.ts';
import type { MemoryState } from './state.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * How long until something ends that may serve the request: a lease, a rest, a place. Where there is more to look
 * at than a call may, it may be too early (the waiter asks again), never too late; `null` only where nothing that
 * is known to end would help.
 */
export function retryInMs(state: MemoryState, request: LeaseRequest, now: number): number | null {
  const { limit } = request;
  const fits = limit !== undefined && state.living + state.places <= limit;
  const site = request.site === undefined ? undefined : state.sites.get(request.site);
  // Whoever comes back makes room if nobody else is left for the site.
  const makesRoom = fits && site !== undefined && site.banned === state.living;
  const servesAt = (record: StoredRecord, until: number) =>
    site === undefined || makesRoom ? until : Math.max(until, blockedUntil(record, site));
  const earliest = Math.min(
    state.leases.earliest(({ record }, until) => {
      if (record === null) return fits ? until : NEVER;
      return servesAt(record, until);
    }, MAX_LOOKED_AT),
    state.rests.earliest(({ record }, until) => servesAt(record, until), MAX_LOOKED_AT),
    // Who is held or rests everywhere, too, was looked at there.
    site?.rests.earliest(({ record }, until) => (record.position >= 0 ? until : NEVER), MAX_LOOKED_AT) ??
      NEVER,
    fits ? state.expiries.firstKey : NEVER,
  );
  return earliest === NEVER ? null : Math.max(0, earliest - now);
}

function blockedUntil(record: StoredRecord, site: Site): number {
  const block = blockOf(record, site.name);
  if (block === undefined) return 0;
  return block.index < 0 ? NEVER : site.rests.keyOf(block);
}
