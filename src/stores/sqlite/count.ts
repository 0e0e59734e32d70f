import type { StoreCounts } from '../store.ts';
import { toMs } from './store-time.ts';
import type { Work } from './work.ts';

/** Index entries looked at for what the time has changed since the counters were written. */
const MOST_ENDED = 4096;
const MOST_SITES = 1000;
const MOST_TAGS = 10_000;

export function count(work: Work): StoreCounts {
  const { totals } = work.counters;
  const leased = number(
    work,
    'SELECT count(*) FROM session s WHERE s.token IS NOT NULL AND s.due > ?',
    work.dueNow,
  );
  const ended = number(
    work,
    `SELECT count(*) FROM (SELECT 1 FROM session WHERE resting = 1 AND due <= ? LIMIT ${MOST_ENDED})`,
    work.dueNow,
  );
  const resting = totals.resting - ended;
  const next = work.sql.get('SELECT min(due) FROM session WHERE due > ?', work.dueNow)?.[0] as number | null;
  return {
    living: totals.living,
    ready: totals.living - leased - resting,
    leased,
    resting,
    places: totals.places - number(work, 'SELECT count(*) FROM place WHERE until <= ?', work.dueNow),
    dead: totals.dead,
    deaths: Object.fromEntries(work.sql.all('SELECT reason, deaths FROM death ORDER BY deaths DESC')),
    sites: sites(work),
    tags: Object.fromEntries(work.sql.all(`SELECT tag, living FROM tag_count LIMIT ${MOST_TAGS}`)),
    nextReadyInMs: next === null ? null : Math.max(1, toMs(next) - work.now),
  };
}

function sites(work: Work): StoreCounts['sites'] {
  const rows = work.sql.all(
    `SELECT site, name, bans, rests FROM site ORDER BY bans + rests DESC LIMIT ${MOST_SITES}`,
  ) as [number, string, number, number][];
  const counts: [string, { resting: number; banned: number }][] = [];
  let left = MOST_ENDED;
  for (const [site, name, banned, rests] of rows) {
    const ended = rests === 0 ? 0 : endedRests(work, site, left);
    left -= ended;
    if (banned > 0 || rests > ended) counts.push([name, { resting: rests - ended, banned }]);
  }
  return Object.fromEntries(counts);
}

function endedRests(work: Work, site: number, most: number): number {
  const sql = 'SELECT count(*) FROM (SELECT 1 FROM site_block WHERE site = ? AND until <= ? LIMIT ? + 0)';
  return number(work, sql, site, work.now, most);
}

function number(work: Work, sql: string, ...values: number[]): number {
  return work.sql.get(sql, ...values)?.[0] as number;
}
