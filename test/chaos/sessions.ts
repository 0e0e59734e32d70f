import { Session, type SessionOptions } from '../../src/index.ts';
import type { Random } from '../../src/testing/random.ts';

/** Makes sessions that end soon in many ways: a few uses, a short life, or none of it. */
export function newSessions(random: Random): (options: SessionOptions) => Session {
  return (options) =>
    new Session({
      ...options,
      maxUsageCount: random.pick([2, 5, 20, null]),
      // Some end within the run; others would, by the clock of a worker that is minutes ahead.
      maxAgeMs: random.pick([2_000, 300_000, null, null]),
    });
}
