import type { History, Violation } from './history.ts';
import { checkCounts } from './rules/counts.ts';
import { checkEligible } from './rules/eligible.ts';
import { checkEnd } from './rules/end.ts';
import { checkHolds } from './rules/holds.ts';
import { checkHops } from './rules/hops.ts';
import { checkLimits } from './rules/limits.ts';
import { checkWorkers } from './rules/workers.ts';

const rules = [checkHolds, checkHops, checkCounts, checkEligible, checkLimits, checkEnd, checkWorkers];

/** Every promise that the history breaks; none for a store and a pool that keep them all. */
export function checkHistory(history: History): Violation[] {
  return rules.flatMap((rule) => rule(history));
}
