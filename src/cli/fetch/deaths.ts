import type { StoreCounts } from '../../index.ts';

/** The store counts them all, those it lets go by itself (expired, or making room for others) included. */
export function deathsSince(before: StoreCounts, after: StoreCounts): Map<string, number> {
  const deaths = Object.entries(after.deaths).map(
    ([reason, count]) => [reason, count - (before.deaths[reason] ?? 0)] as const,
  );
  return new Map(deaths.filter(([, count]) => count > 0));
}
