import type { SessionStatus } from '../store.ts';
import { clearBlocks } from './blocks.ts';
import { COLUMNS, isExpired, isLeased, type SessionRow, statuses, toRow } from './records.ts';
import type { Work } from './work.ts';

/**
 * Ends a session for good: out of the queue, counted by its reason, its blocks dropped. Row and body stay until
 * pruned, since it may be revived. The row given is what is written: its uses and score may be newer than stored.
 */
export function die(work: Work, row: SessionRow, status: SessionStatus, reason?: string | null): void {
  const why = reason ?? status;
  work.sql.run(
    `UPDATE session SET status = ?, reason = ?, died = ?, due = NULL, token = NULL, resting = 0, recovered = 0,
       orders = NULL, uses = ?, score = ? WHERE sid = ?`,
    statuses.indexOf(status),
    why,
    work.now,
    row.uses,
    row.score,
    row.sid,
  );
  clearBlocks(work, row.sid);
  work.counters.add('living', -1);
  work.counters.add('dead', 1);
  work.counters.add('resting', -row.resting);
  work.counters.died(why);
}

/** Takes a dead session away wholly. */
export function removeDead(work: Work, sid: number): void {
  work.sql.run('DELETE FROM session WHERE sid = ?', sid);
  work.sql.run('DELETE FROM body WHERE sid = ?', sid);
  work.counters.add('dead', -1);
}

const EXPIRED = `SELECT ${COLUMNS} FROM session s WHERE s.expires IS NOT NULL AND s.died IS NULL
  AND (s.expires, s.sid) > (?, ?) AND s.expires <= ? ORDER BY s.expires, s.sid LIMIT ? + 0`;

/** Ends an expired session that nobody holds. A lease of it that ran out was a use. */
export function buryIfExpired(work: Work, row: SessionRow): boolean {
  if (!isExpired(work, row) || isLeased(work, row)) return false;
  die(work, row.token === null ? row : { ...row, uses: row.uses + 1 }, 'expired');
  return true;
}

/**
 * Buries sessions that expired, oldest expiry first, looking at no more than `limit`. Those that are leased are
 * passed over, once: they die when they are given back or when their lease runs out.
 */
export function buryExpired(work: Work, limit: number): { lookedAt: number; buried: number } {
  const from = work.hints.expiry;
  const rows = work.sql.all(EXPIRED, from.expires, from.sid, work.now, limit);
  let buried = 0;
  for (const values of rows) {
    const row = toRow(values);
    work.hints.expiry = { expires: row.expires!, sid: row.sid };
    if (buryIfExpired(work, row)) buried++;
  }
  return { lookedAt: rows.length, buried };
}
