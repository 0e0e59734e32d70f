import type { ListedSession, ListPage, ListResult } from '../store.ts';
import { blocksOf } from './blocks.ts';
import { bodyOf, COLUMNS, isLeased, rowById, type SessionRow, toRow, toStored } from './records.ts';
import { toMs } from './store-time.ts';
import type { Work } from './work.ts';

/**
 * Rows that one page looks at. A state may be rare: a page then holds fewer than asked for, or none, and `next`
 * goes on, so that no page stops the event loop.
 */
const LOOKED_AT = 1000;

export function get(work: Work, id: string): ListedSession | undefined {
  const row = rowById(work, id);
  return row && listed(work, row);
}

export function list(work: Work, page: ListPage): ListResult {
  const limit = Math.min(Math.max(Math.floor(page.limit), 1), LOOKED_AT);
  const lookedAt = page.state === undefined ? limit : LOOKED_AT;
  const rows = work.sql
    .all(
      `SELECT ${COLUMNS} FROM session s WHERE s.id > ? ORDER BY s.id LIMIT ? + 0`,
      page.after ?? '',
      lookedAt + 1,
    )
    .map(toRow);
  const hasMore = rows.length > lookedAt;
  if (hasMore) rows.pop();
  const fitting = rows.filter((row) => page.state === undefined || stateOf(work, row) === page.state);
  const shown = fitting.slice(0, limit);
  const sessions = shown.map((row) => listed(work, row));
  const isCut = fitting.length > limit;
  const last = isCut ? shown.at(-1) : rows.at(-1);
  return isCut || hasMore ? { sessions, next: last!.id, now: work.now } : { sessions, now: work.now };
}

function stateOf(work: Work, row: SessionRow): ListedSession['state'] {
  if (row.died !== null) return 'dead';
  if (isLeased(work, row)) return 'leased';
  return row.due! > work.dueNow ? 'resting' : 'ready';
}

function listed(work: Work, row: SessionRow): ListedSession {
  const state = stateOf(work, row);
  const sinceAt = state === 'leased' ? row.since : row.died;
  return {
    ...toStored(row, bodyOf(work, row.sid)),
    state,
    untilAt: state === 'leased' || state === 'resting' ? toMs(row.due!) : null,
    holder: state === 'leased' ? row.holder : null,
    sinceAt,
    blocks: blocksOf(work, row.sid),
  };
}
