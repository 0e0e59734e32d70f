import type { PoolStats, SessionPool, SiteStats } from '../../index.ts';
import type { Progress } from '../progress.ts';
import { showDuration } from '../quantities.ts';
import { printable } from '../terminal.ts';
import { listCounts, type Tally } from './tally.ts';

const SITES_SHOWN = 2;

/** Tells what goes wrong in the background. */
export function tellOf(pool: SessionPool, progress: Progress): void {
  pool.on('error', ({ error, during }) => {
    progress.say(`${during}: ${error instanceof Error ? error.message : 'failed'}`);
  });
  pool.on('proxyQuarantined', ({ proxy, ms, reason }) => {
    progress.say(`the proxy ${proxy} is left alone for ${showDuration(ms)}: ${reason}`);
  });
  pool.on('skipped', ({ sessionId, reason }) => progress.say(`user ${sessionId} was passed over: ${reason}`));
}

/** Makes what a progress says of the users of a pool, and of the answers they got. */
export function userDetails(pool: SessionPool, tally: Tally): () => Promise<string[]> {
  let last = 'users: none yet';
  return async () => {
    try {
      last = userWords(await pool.stats());
    } catch {
      // The last known users are shown; if the store is broken the requests say so.
    }
    return [last, `answers: ${listCounts(tally.answers)}`];
  };
}

function userWords(stats: PoolStats): string {
  const { ready, leased, resting, dead } = stats.sessions;
  // A user who may not go to the one site that is asked for is ready all the same: the sites tell.
  const sites = Object.entries(stats.sites).slice(0, SITES_SHOWN).map(siteWords);
  return [`users: ${ready} ready, ${leased} leased, ${resting} resting, ${dead} retired`, ...sites].join(
    '; ',
  );
}

function siteWords([site, { resting, banned, siteRestsForMs }]: [string, SiteStats]): string {
  const rests = siteRestsForMs > 0 ? `, all wait ${showDuration(siteRestsForMs)}` : '';
  return `${printable(site)}: ${resting} resting, ${banned} banned${rests}`;
}
