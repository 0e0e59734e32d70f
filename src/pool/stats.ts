import type { StoreCounts } from '../stores/store.ts';
import type { PoolCore } from './core.ts';
import type { ProxyStats } from './proxies/pool-proxies.ts';
import type { SitePaceStats, SiteTraffic } from './sites.ts';
import type { VerdictCounts } from './statistics.ts';

/**
 * How a pool stands. How its accounts do is not among it: their records are spread over up to 256 documents of the store,
 * which `pool.accounts.list()` reads.
 */
export interface PoolStats {
  /** Usable sessions: ready, leased and resting ones; `places` are being made; `dead` are kept for the record. */
  readonly sessions: {
    readonly usable: number;
    readonly ready: number;
    readonly leased: number;
    readonly resting: number;
    readonly places: number;
    readonly dead: number;
  };
  /** Deaths so far by reason. */
  readonly retirements: Readonly<Record<string, number>>;
  /** Sites that some session is banned from or rests for. */
  readonly sites: Readonly<Record<string, SiteStats>>;
  /** The proxies of the option `proxies`, by id or address; never a credential. */
  readonly proxies: Readonly<Record<string, ProxyStats>>;
  /** Verdicts of this process in the last hour. */
  readonly verdicts: VerdictCounts;
  /** Who waits in this process, and the first one how long. */
  readonly waiting: { readonly count: number; readonly oldestMs: number };
  /** Until the next lease or rest ends; `null` if none is under way. */
  readonly nextReadyInMs: number | null;
  /** Who holds what since when; at most 1000. */
  readonly holders: readonly { readonly sessionId: string; readonly holder: string; readonly since: Date }[];
}

export interface SiteStats {
  /** Sessions that are ready, and neither banned nor resting there; at least. */
  readonly ready: number;
  readonly resting: number;
  readonly banned: number;
  /** How long the site itself rests in this process, in milliseconds; 0 if it does not. */
  readonly siteRestsForMs: number;
  /** What this process has learnt of the pace that it bears; absent as long as it has not objected. */
  readonly pace?: SitePaceStats;
}

/** Reads the store's counters, and the list of those who hold a session. */
export async function poolStats({ context, acquirer }: PoolCore): Promise<PoolStats> {
  const counts = await context.store.count();
  const leased = await context.store.list({ limit: 1000, state: 'leased' });
  const { living, ready, leased: leasedCount, resting, places, dead } = counts;
  return {
    sessions: { usable: living, ready, leased: leasedCount, resting, places, dead },
    retirements: counts.deaths,
    sites: siteStats(counts, context.sites),
    proxies: (await context.proxies?.stats()) ?? {},
    verdicts: context.statistics.lastHour(),
    waiting: { count: acquirer.line.size, oldestMs: acquirer.line.oldestWaitMs },
    nextReadyInMs: counts.nextReadyInMs,
    holders: leased.sessions.map(({ id, holder, sinceAt }) => ({
      sessionId: id,
      holder: holder ?? '',
      since: new Date(sinceAt ?? 0),
    })),
  };
}

function siteStats(counts: StoreCounts, traffic: SiteTraffic): Record<string, SiteStats> {
  const sites: Record<string, SiteStats> = {};
  const siteRests = traffic.resting();
  for (const site of new Set([...Object.keys(counts.sites), ...Object.keys(siteRests), ...traffic.paced])) {
    const { resting = 0, banned = 0 } = counts.sites[site] ?? {};
    const ready = Math.max(0, counts.ready - resting - banned);
    const pace = traffic.paceOf(site);
    sites[site] = { ready, resting, banned, siteRestsForMs: siteRests[site] ?? 0, ...(pace && { pace }) };
  }
  return sites;
}
