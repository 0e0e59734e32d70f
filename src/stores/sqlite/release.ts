import type { Lease, ReleaseChange, ReleaseResult } from '../store.ts';
import { setBlock } from './blocks.ts';
import { writeBody } from './bodies.ts';
import { die } from './death.ts';
import { obeyWaiting, waitingOrders } from './obey.ts';
import { isLeased, rowBySid, type SessionRow } from './records.ts';
import { survives } from './settle.ts';
import { isPlaceToken, sidOf } from './tokens.ts';
import type { Work } from './work.ts';

/** Gives a session or a place back, if the lease still holds. */
export function release(work: Work, lease: Lease, change: ReleaseChange | null): ReleaseResult {
  if (isPlaceToken(lease.token)) return releasePlace(work, lease);
  const isQuick = change !== null && change.status === 'usable' && change.tag === undefined;
  if (isQuick && releaseQuickly(work, lease, change)) return 'released';

  const row = heldRow(work, lease);
  if (row === undefined) return 'lost';
  const orders = waitingOrders(row);
  const status = change?.status ?? 'usable';
  const freed: SessionRow = { ...row, token: null, orders: null };
  if (change !== null) {
    freed.uses = change.usageCount;
    freed.score = change.errorScore;
    if (change.body !== undefined) writeBody(work, row.sid, change.body);
    if (change.tag !== undefined)
      work.sql.run('UPDATE session SET tag = ? WHERE sid = ?', change.tag, row.sid);
  }
  if (status !== 'usable') {
    die(work, freed, status, change?.reason);
    return 'released';
  }
  free(work, freed, change?.restMs ?? 0);
  for (const block of change?.blocks ?? []) setBlock(work, row.sid, block.site, block.ms);
  if (obeyWaiting(work, freed, orders)) return 'ordered';
  survives(work, freed);
  return 'released';
}

/**
 * The common case in one statement: it is held, lives on, and no order waits. The index of tokens is the row's own
 * number; that the token fits is compared with all the rest.
 */
function releaseQuickly(work: Work, lease: Lease, change: ReleaseChange): boolean {
  const sid = sidOf(lease.token);
  const restMs = change.restMs ?? 0;
  const isResting = restMs > 0 ? 1 : 0;
  const isReleased =
    work.sql.run(
      `UPDATE session SET token = NULL, due = ?, resting = ?, uses = ?, score = ?
       WHERE sid = ? AND token = ? AND id = ? AND fence = ? AND due > ? AND orders IS NULL
         AND (expires IS NULL OR expires > ?) AND (max_uses IS NULL OR max_uses > ?)`,
      restMs > 0 ? work.tickIn(restMs) : work.tick(),
      isResting,
      change.usageCount,
      change.errorScore,
      sid,
      lease.token,
      lease.id,
      lease.fence,
      work.dueNow,
      work.now,
      change.usageCount,
    ) > 0;
  if (!isReleased) return false;
  work.counters.add('resting', isResting);
  if (change.body !== undefined) writeBody(work, sid, change.body);
  for (const block of change.blocks ?? []) setBlock(work, sid, block.site, block.ms);
  return true;
}

/** The row, if this very lease holds it now. */
function heldRow(work: Work, lease: Lease): SessionRow | undefined {
  const row = rowBySid(work, sidOf(lease.token));
  const isHeld = row?.token === lease.token && row.id === lease.id && row.fence === lease.fence;
  return row && isHeld && isLeased(work, row) ? row : undefined;
}

function free(work: Work, row: SessionRow, restMs: number): void {
  row.due = restMs > 0 ? work.tickIn(restMs) : work.tick();
  row.resting = restMs > 0 ? 1 : 0;
  work.sql.run(
    'UPDATE session SET token = NULL, orders = NULL, due = ?, resting = ?, uses = ?, score = ? WHERE sid = ?',
    row.due,
    row.resting,
    row.uses,
    row.score,
    row.sid,
  );
  work.counters.add('resting', row.resting);
}

function releasePlace(work: Work, lease: Lease): ReleaseResult {
  const freed = work.sql.run(
    'DELETE FROM place WHERE id = ? AND token = ? AND until > ?',
    lease.id,
    lease.token,
    work.dueNow,
  );
  work.counters.add('places', -freed);
  return freed > 0 ? 'released' : 'lost';
}
