import type { Hold, Release } from '../history.ts';

/**
 * The store's clock is the wall clock, which runs a little faster or slower than the machine's monotonic one, and
 * stores count in milliseconds: an end that time alone brings may be seen so much earlier.
 */
export const CLOCKS_DIFFER_MS = 3;

function isGivenBack({ outcome }: Release): boolean {
  return outcome === 'released' || outcome === 'ordered';
}

/** The release that is known to have been carried out, if there is one. */
export function carriedOut(hold: Hold): Release | undefined {
  return hold.releases.find(isGivenBack);
}

/**
 * Releases that were asked for, and of which nobody knows. None where another answer made it clear: one that was repeated and
 * is then `lost` was never carried out, unless somebody else has had the session meanwhile. A store remembers only the last.
 */
export function undecided(hold: Hold, next?: Hold): Release[] {
  const last = hold.releases.at(-1);
  if (carriedOut(hold)) return [];
  const isNextLater = next?.fence === hold.fence + 1 && next.askedAt > (last?.heardAt ?? 0);
  if (last?.outcome === 'lost' && isNextLater) return [];
  return hold.releases.filter(({ outcome }) => outcome === 'unknown');
}

/** When the lease runs out, at the earliest, by what its holder had heard from the store at that instant. */
export function runsOutAt(hold: Hold, leaseMs: number, heardBy = Number.POSITIVE_INFINITY): number {
  let from = hold.leasedFrom;
  for (const { askedAt, heardAt, outcome } of hold.renewals)
    if (outcome === 'held' && heardAt! <= heardBy) from = Math.max(from, askedAt);
  return from + leaseMs;
}

/** Until when nobody else could have it: it was asked to be given back then, or its lease ran out. */
export function surelyHeldUntil(hold: Hold, leaseMs: number): number {
  const asked = hold.releases.filter(({ outcome }) => outcome !== 'lost').map(({ askedAt }) => askedAt);
  if (carriedOut(hold)) return Math.min(...asked);
  return Math.min(runsOutAt(hold, leaseMs) - CLOCKS_DIFFER_MS, ...asked);
}

/** The holds of each session, in the order of their fences. */
export function bySession(holds: readonly Hold[]): Map<string, Hold[]> {
  const sessions = Map.groupBy(holds, ({ id }) => id);
  for (const ofOne of sessions.values()) ofOne.sort((a, b) => a.fence - b.fence);
  return sessions;
}

export function describe({ id, fence, worker }: Hold): string {
  return `${id} fence ${fence} (${worker})`;
}
