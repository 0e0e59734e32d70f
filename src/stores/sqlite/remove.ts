import type { PruneRequest, PruneResult } from '../store.ts';
import { clearBlocks } from './blocks.ts';
import { removeDead } from './death.ts';
import { rowById } from './records.ts';
import type { Work } from './work.ts';

/** Sessions that one transaction takes away. */
export const REMOVE_STEP = 256;

/** Removes sessions wholly, whatever they are doing. */
export function remove(work: Work, ids: readonly string[]): number {
  let removed = 0;
  for (const id of ids) {
    const row = rowById(work, id);
    if (row === undefined) continue;
    removed++;
    if (row.died !== null) {
      removeDead(work, row.sid);
      continue;
    }
    clearBlocks(work, row.sid);
    work.sql.run('DELETE FROM session WHERE sid = ?', row.sid);
    work.sql.run('DELETE FROM body WHERE sid = ?', row.sid);
    work.counters.add('living', -1);
    work.counters.add('resting', -row.resting);
  }
  return removed;
}

/** Removes the dead that were kept long enough or are too many, oldest death first. */
export function prune(work: Work, request: PruneRequest): PruneResult {
  const limit = Math.min(request.limit, REMOVE_STEP);
  const tooMany = Math.max(0, work.counters.totals.dead - request.keepAtMost);
  const before = work.now - request.olderThanMs;
  const rows = work.sql.all(
    'SELECT sid, died FROM session WHERE died IS NOT NULL ORDER BY died, sid LIMIT ? + 0',
    limit + 1,
  ) as [number, number][];
  const due = rows.filter(([, died], index) => died <= before || index < tooMany);
  const pruned = due.slice(0, limit);
  for (const [sid] of pruned) removeDead(work, sid);
  return { removed: pruned.length, more: due.length > limit };
}
