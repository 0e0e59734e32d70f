import type { PoolStats, SessionPool } from '../../index.ts';
import { print, printJson } from '../print.ts';
import { showDuration } from '../quantities.ts';
import { facts, table } from '../table.ts';
import { styled, widthOf } from '../terminal.ts';
import { relative } from './view.ts';

const HOLDERS_SHOWN = 20;

/** What concerns the store; waiters and verdicts are the fetching process's own. */
type StoreStats = Pick<PoolStats, 'sessions' | 'retirements' | 'nextReadyInMs' | 'holders'> & {
  sites: Record<string, { ready: number; resting: number; banned: number }>;
};

export async function showStats(pool: SessionPool, json: boolean | undefined): Promise<void> {
  const { sessions, retirements, sites, nextReadyInMs, holders } = await pool.stats();
  const bySite = Object.entries(sites).map(([site, { ready, resting, banned }]) => [
    site,
    { ready, resting, banned },
  ]);
  const stats: StoreStats = {
    sessions,
    retirements,
    sites: Object.fromEntries(bySite),
    nextReadyInMs,
    holders,
  };
  await (json ? printJson(stats) : print(lines(stats)));
}

function lines({ sessions, retirements, sites, nextReadyInMs, holders }: StoreStats): string[] {
  const { usable, ready, leased, resting, places, dead } = sessions;
  const width = widthOf(process.stdout);
  const out = facts(
    [
      [
        'usable',
        `${usable}: ${ready} ready, ${leased} leased, ${resting} resting${places > 0 ? `; ${places} being made` : ''}`,
      ],
      ['dead', `${dead} kept for the record`],
      ['next ready', nextReadyInMs === null ? '-' : `in ${showDuration(nextReadyInMs)}`],
    ],
    width,
  );
  const add = (columns: Parameters<typeof table>[0], rows: string[][]) => {
    if (rows.length === 0) return;
    const [head, ...body] = table(columns, rows, width);
    out.push('', styled('bold', head!, process.stdout), ...body);
  };
  add(
    [
      { title: 'DIED OF', canShrink: true },
      { title: 'USERS', right: true },
    ],
    Object.entries(retirements).map(([reason, count]) => [reason, String(count)]),
  );
  add(
    [
      { title: 'SITE', canShrink: true },
      { title: 'READY', right: true },
      { title: 'RESTING', right: true },
      { title: 'BANNED', right: true },
    ],
    Object.entries(sites).map(([site, one]) => [
      site,
      String(one.ready),
      String(one.resting),
      String(one.banned),
    ]),
  );
  add(
    [{ title: 'HELD' }, { title: 'BY', canShrink: true }, { title: 'SINCE' }],
    holders
      .slice(0, HOLDERS_SHOWN)
      .map(({ sessionId, holder, since }) => [sessionId, holder, relative(since, Date.now())]),
  );
  if (holders.length > HOLDERS_SHOWN)
    out.push(`and ${holders.length - HOLDERS_SHOWN} more (--json shows up to 1000)`);
  return out;
}
