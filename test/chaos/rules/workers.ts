import type { History, Violation } from '../history.ts';

/** The pool goes on by itself: nobody dies of a fault but of being killed, and soon after the last one all have sessions again. */
export function checkWorkers({ workers, settings }: History): Violation[] {
  const violations: Violation[] = [];
  const blame = (rule: string, message: string) => violations.push({ rule, message });
  for (const { worker, end, complaint, unexpected, startedAt, firstReleaseAfterFaults: first } of workers) {
    const said = complaint === '' ? '' : `, and said: ${complaint.slice(0, 2000)}`;
    if (end === 'by itself') blame('workers live', `${worker} ended by itself${said}`);
    if (end === 'had to be killed') blame('workers live', `${worker} did not end when it was told to${said}`);
    for (const message of unexpected) blame('clear errors', `${worker}: ${message}`);
    if (end !== 'told' && end !== 'had to be killed') continue;
    const afterMs = (first ?? Number.POSITIVE_INFINITY) - Math.max(settings.faultsEndedAt, startedAt);
    if (afterMs > settings.recoveryMs) {
      const late = Number.isFinite(afterMs) ? `only ${afterMs.toFixed(0)} ms after` : 'at no time after';
      blame('the pool goes on', `${worker} gave back a session ${late} the last fault`);
    }
  }
  return violations;
}
