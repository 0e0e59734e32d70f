import type { LeaseRequest } from '../store.ts';
import { MAX_LOOKED_AT } from '../store.ts';
import { blockOf, siteNumber } from './blocks.ts';
import { isLeased, type SessionRow } from './records.ts';
import { toMs } from './store-time.ts';
import { nextPlaceAt } from './vacancy.ts';
import type { Work } from './work.ts';

/** Site rests looked at: the earliest may belong to a session that is leased or resting for longer. */
const SITE_RESTS = 16;

/** Until a session or a place could serve the request by itself; `null`: none can, as things stand. */
export function retryInMs(work: Work, request: LeaseRequest, allBanned: boolean): number | null {
  const site = request.site === undefined ? undefined : siteNumber(work, request.site);
  const instants = [
    nextDue(work, allBanned ? undefined : site),
    site === undefined ? null : nextSiteRest(work, site),
    request.limit === undefined ? null : nextPlaceAt(work),
    request.limit === undefined ? null : nextExpiry(work),
  ].filter((instant) => instant !== null);
  return instants.length === 0 ? null : inMs(work, Math.min(...instants));
}

/** The same for a request for one session that lives but cannot be had now. */
export function retryRowInMs(work: Work, row: SessionRow, siteName: string | undefined): number | null {
  const site = siteName === undefined ? undefined : siteNumber(work, siteName);
  const block = site === undefined ? undefined : blockOf(work, row.sid, site);
  if (block?.until === null) return null;
  const instant = Math.max(toMs(row.due ?? 0), block?.until ?? 0);
  // A holder may give it back before it expires.
  const isOver = !isLeased(work, row) && row.expires !== null && row.expires <= instant;
  return isOver ? null : inMs(work, instant);
}

/** At least 1: who is told 0 would ask again at once, within the same millisecond. */
function inMs(work: Work, instant: number): number {
  return Math.max(1, instant - work.now);
}

/**
 * The next lease or rest that ends, of a session that is not banned from the site and has not expired by then; a leased
 * one counts all the same, since its holder may give it back before.
 * After as many as one may look at, the last of them stands for the rest: too early is harmless.
 */
function nextDue(work: Work, site: number | undefined): number | null {
  const rows = work.sql.all(
    `SELECT s.due, s.expires, b.since, b.until, s.token IS NOT NULL FROM session s
     LEFT JOIN site_block b ON b.sid = s.sid AND b.site = ?
     WHERE s.due > ? ORDER BY s.due LIMIT ${MAX_LOOKED_AT}`,
    site ?? -1,
    work.dueNow,
  ) as (number | null)[][];
  let best: number | null = null;
  for (const [due, expires, since, until, isHeld] of rows) {
    const end = toMs(due!);
    if (best !== null && end >= best) return best;
    if (since !== null && until === null) continue;
    const instant = Math.max(end, until ?? 0);
    if (!isHeld && expires !== null && expires! <= instant) continue;
    best = best === null ? instant : Math.min(best, instant);
  }
  return best ?? (rows.length === MAX_LOOKED_AT ? toMs(rows.at(-1)![0]!) : null);
}

/** The next rest for the site that ends, among those that are free otherwise. */
function nextSiteRest(work: Work, site: number): number | null {
  const rows = work.sql.all(
    `SELECT b.until, s.due, s.expires FROM site_block b JOIN session s USING (sid)
     WHERE b.site = ? AND b.until > ? ORDER BY b.until LIMIT ${SITE_RESTS}`,
    site,
    work.now,
  ) as (number | null)[][];
  const instants = rows
    .map(([until, due, expires]) => ({ instant: Math.max(until!, toMs(due!)), expires: expires! }))
    .filter(({ instant, expires }) => expires === null || expires > instant)
    .map(({ instant }) => instant);
  return instants.length === 0 ? null : Math.min(...instants);
}

/** An expiry makes room for a new session. */
function nextExpiry(work: Work): number | null {
  return work.sql.get(
    `SELECT min(s.expires) FROM session s WHERE s.expires IS NOT NULL AND s.died IS NULL AND s.expires > ?`,
    work.now,
  )?.[0] as number | null;
}
