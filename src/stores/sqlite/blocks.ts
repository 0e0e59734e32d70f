import type { SiteBlock } from '../store.ts';
import type { Work } from './work.ts';

/** The number of a site that somebody is blocked from. */
export function siteNumber(work: Work, name: string): number | undefined {
  return work.sql.get('SELECT site FROM site WHERE name = ?', name)?.[0] as number | undefined;
}

function siteNumberOrNew(work: Work, name: string): number {
  return siteNumber(work, name) ?? work.sql.insert('INSERT INTO site (name) VALUES (?)', name);
}

export interface StoredBlock {
  until: number | null;
  since: number;
}

export function blockOf(work: Work, sid: number, site: number): StoredBlock | undefined {
  const row = work.sql.get('SELECT until, since FROM site_block WHERE sid = ? AND site = ?', sid, site);
  return row && { until: row[0] as number | null, since: row[1] as number };
}

/**
 * Blocks a living session for a site: `ms` null for good, 0 lifts. A block that it has there and that lasts as long goes on.
 */
export function setBlock(work: Work, sid: number, name: string, ms: number | null): void {
  if (ms !== null && ms <= 0) {
    liftBlock(work, sid, name);
    return;
  }
  const site = siteNumberOrNew(work, name);
  const before = blockOf(work, sid, site);
  const until = ms === null ? null : work.msIn(ms);
  if (before) {
    if (before.until === null || (until !== null && before.until >= until)) return;
    countBlock(work, site, before.until, -1);
  }
  work.sql.run('INSERT OR REPLACE INTO site_block VALUES (?, ?, ?, ?)', sid, site, until, work.now);
  countBlock(work, site, until, 1);
}

/** Answers whether there was one. */
export function liftBlock(work: Work, sid: number, name: string): boolean {
  const site = siteNumber(work, name);
  const before = site === undefined ? undefined : blockOf(work, sid, site);
  if (site === undefined || before === undefined) return false;
  removeBlock(work, sid, site, before.until);
  return true;
}

export function removeBlock(work: Work, sid: number, site: number, until: number | null): void {
  work.sql.run('DELETE FROM site_block WHERE sid = ? AND site = ?', sid, site);
  countBlock(work, site, until, -1);
}

/** Answers how many there were. */
export function clearBlocks(work: Work, sid: number): number {
  const blocks = work.sql.all('SELECT site, until FROM site_block WHERE sid = ?', sid);
  if (blocks.length === 0) return 0;
  work.sql.run('DELETE FROM site_block WHERE sid = ?', sid);
  for (const [site, until] of blocks) countBlock(work, site as number, until as number | null, -1);
  return blocks.length;
}

/** Blocks that hold now, as lists show them. */
export function blocksOf(work: Work, sid: number): SiteBlock[] {
  const rows = work.sql.all(
    `SELECT site.name, b.since, b.until FROM site_block b JOIN site USING (site)
     WHERE b.sid = ? AND (b.until IS NULL OR b.until > ?) ORDER BY site.name`,
    sid,
    work.now,
  );
  return rows.map(([site, sinceAt, untilAt]) => ({
    site: site as string,
    sinceAt: sinceAt as number,
    untilAt: untilAt as number | null,
  }));
}

function countBlock(work: Work, site: number, until: number | null, by: number): void {
  work.counters.block(site, until === null ? by : 0, until === null ? 0 : by);
}
