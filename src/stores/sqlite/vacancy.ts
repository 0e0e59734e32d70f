import type { LeaseRequest, VacantResult } from '../store.ts';
import type { Budget } from './budget.ts';
import { die } from './death.ts';
import { isLeased, rowBySid } from './records.ts';
import { toMs } from './store-time.ts';
import { placeId, placeToken } from './tokens.ts';
import type { Work } from './work.ts';

/** Places freed in one look. There are never more of them than sessions being made at once. */
const SWEPT_PLACES = 256;

/** Whether one more session may be made. Places whose lease ran out are free again. */
export function hasRoom(work: Work, limit: number): boolean {
  sweepPlaces(work);
  return work.counters.totals.living + work.counters.totals.places < limit;
}

function sweepPlaces(work: Work): void {
  if (work.counters.totals.places === 0) return;
  const swept = work.sql.run(
    `DELETE FROM place WHERE id IN (SELECT id FROM place WHERE until <= ? ORDER BY until LIMIT ${SWEPT_PLACES})`,
    work.dueNow,
  );
  work.counters.add('places', -swept);
}

/** Reserves a place, leased to the caller. */
export function reserve(work: Work, request: LeaseRequest): VacantResult {
  const id = placeId();
  const token = placeToken();
  const until = work.tickIn(request.leaseMs);
  work.sql.run('INSERT INTO place VALUES (?, ?, ?, ?)', id, token, until, request.holder);
  work.counters.add('places', 1);
  return { kind: 'vacant', lease: { id, token, fence: 1 }, now: work.now };
}

/** Every living session is banned from the site for good. */
export function areAllBanned(work: Work, site: number): boolean {
  const { living } = work.counters.totals;
  return living > 0 && work.counters.bans(site) >= living;
}

/**
 * The one banned longest among those that nobody holds makes room. More than one only where the limit was
 * lowered since. `none`: all are held.
 */
export function makeRoom(work: Work, site: number, limit: number, budget: Budget): 'room' | 'again' | 'none' {
  const banned = work.sql.all(
    'SELECT sid FROM site_block WHERE site = ? AND until IS NULL ORDER BY since, sid LIMIT ? + 0',
    site,
    Math.max(budget.left, 0),
  );
  for (const [sid] of banned) {
    if (budget.isSpent) return 'again';
    budget.spend(1);
    const row = rowBySid(work, sid as number);
    if (!row || isLeased(work, row)) continue;
    die(work, row, 'retired', 'made room');
    if (hasRoom(work, limit)) return 'room';
  }
  return budget.isSpent ? 'again' : 'none';
}

/** When the next place is given up by itself. */
export function nextPlaceAt(work: Work): number | null {
  const until = work.sql.get('SELECT min(until) FROM place')?.[0] as number | null;
  return until === null ? null : toMs(until);
}
