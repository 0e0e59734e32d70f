import type { History, Hold, Hop, Violation } from '../history.ts';
import { runsOutAt } from './windows.ts';

/**
 * The site is the witness: nobody comes to it as a user whose lease is over. A holder begins no hop after its last
 * permitted moment, so whoever comes later as an earlier holder must have been on the way for longer than the margin
 * that is kept for it.
 */
export function checkHops(history: History): Violation[] {
  return [...begunTooLate(history), ...arrivedTooLate(history)];
}

/** Timers and the log itself take part of a millisecond. */
const LOGGED_LATE_MS = 1;

function begunTooLate({ hops, arrivals, holds, settings }: History): Violation[] {
  const holdOf = new Map(holds.map((hold) => [keyOf(hold), hold]));
  const arrived = new Set(arrivals.map(({ hop }) => hop));
  const violations: Violation[] = [];
  for (const hop of hops) {
    if (!arrived.has(hop.hop)) continue;
    const hold = holdOf.get(keyOf(hop));
    if (hold === undefined) {
      violations.push({ rule: 'no hop without a lease', id: hop.id, message: `${nameOf(hop)} has no lease` });
      continue;
    }
    const lateMs = hop.startedAt - lastPermitted(hold, hop, settings);
    if (lateMs > LOGGED_LATE_MS) {
      const message = `${nameOf(hop)} began ${lateMs.toFixed(1)} ms after the last permitted moment, and reached the site`;
      violations.push({ rule: 'no hop after the lease', id: hop.id, message });
    }
  }
  return violations;
}

function lastPermitted(hold: Hold, hop: Hop, { leaseMs, marginMs }: History['settings']): number {
  return runsOutAt(hold, leaseMs, hop.startedAt) - marginMs;
}

function arrivedTooLate({ hops, arrivals, settings }: History): Violation[] {
  const hopOf = new Map(hops.map((hop) => [hop.hop, hop]));
  const highest = new Map<string, Hop>();
  const violations: Violation[] = [];
  for (const { hop: name, at } of [...arrivals].sort((a, b) => a.at - b.at)) {
    const hop = hopOf.get(name);
    if (hop === undefined) {
      violations.push({ rule: 'no hop without a lease', message: `nobody wrote down hop ${name}` });
      continue;
    }
    const last = highest.get(hop.id);
    const isLate = last !== undefined && last.fence > hop.fence;
    if (isLate && at - hop.startedAt < settings.marginMs) {
      const message = `${nameOf(hop)} came to the site after ${nameOf(last)}`;
      violations.push({ rule: 'one holder at the site', id: hop.id, message });
    }
    if (last === undefined || hop.fence > last.fence) highest.set(hop.id, hop);
  }
  return violations;
}

function keyOf({ worker, id, fence }: { worker: string; id: string; fence: number }): string {
  return `${worker} ${id} ${fence}`;
}

function nameOf({ hop, id, fence, worker }: Hop): string {
  return `hop ${hop} of ${id} fence ${fence} (${worker})`;
}
