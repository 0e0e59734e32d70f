import type { History, Violation } from '../history.ts';
import { bySession, describe, surelyHeldUntil } from './windows.ts';

/** A session has one holder at a time, and its fence grows with each. */
export function checkHolds({ holds, settings }: History): Violation[] {
  const violations: Violation[] = [];
  for (const [id, ofOne] of bySession(holds)) {
    for (const [index, hold] of ofOne.entries()) {
      const next = ofOne[index + 1];
      if (next === undefined) continue;
      const both = `${describe(hold)} and ${describe(next)}`;
      if (next.fence === hold.fence) {
        violations.push({ rule: 'fences grow', id, message: `${both} have the same fence` });
      } else if (next.heardAt < hold.askedAt) {
        const message = `${both}: the later fence was heard of before the earlier was asked for`;
        violations.push({ rule: 'fences grow', id, message });
      }
      const overlapMs = surelyHeldUntil(hold, settings.leaseMs) - next.heardAt;
      if (overlapMs > 0) {
        const message = `${both} held it at the same time, for ${overlapMs.toFixed(3)} ms at least`;
        violations.push({ rule: 'one holder', id, message });
      }
    }
  }
  return violations;
}
