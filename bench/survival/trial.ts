import type { LedgerSummary } from '../../playground/ledger.ts';
import { presets } from '../../playground/presets.ts';
import { startPlaygroundProcess } from '../../playground/start-process.ts';
import { Contender } from '../harness/contender.ts';
import type { JobParams, JobRun } from './job.ts';
import type { ProxyCount } from './proxies.ts';

/** What came of one contender's run against one site. */
export interface Trial {
  readonly run: JobRun;
  /** What the site saw. */
  readonly site: LedgerSummary;
  /** All that was sent, to the site and into bad proxies, for each page that was got. */
  readonly requestsPerPage: number;
  readonly intoBadProxies: number;
  /** Of the bad proxy that got the most: requests in a minute, from the time on that its badness could be known. */
  readonly perMinuteOnceKnown: number;
  /** Requests by which a user showed two addresses, two browsers, or another's cookie. */
  readonly mixedIdentities: number;
}

// What was under way when the first request failed was sent in good faith.
const KNOWN_AFTER_MS = 1_000;
const MINUTE_MS = 60_000;

/** Lets a contender, in a process of its own, loose on a new site, through new proxies; each of them in another process. */
export async function tryOut(
  file: URL,
  params: Omit<JobParams, 'origin' | 'proxies'> & Record<string, unknown>,
): Promise<Trial> {
  await using contender = new Contender(file);
  await using proxies = new Contender(new URL('proxies.ts', import.meta.url));
  await using site = await startPlaygroundProcess(presets.hard);
  const proxyUrls = await proxies.ask<string[]>('open');
  // A name, as real sites have one; the proxies know where it is.
  const origin = `http://shop.test:${new URL(site.url).port}`;
  const run = await contender.ask<JobRun>('crawl', { ...params, origin, proxies: proxyUrls });
  const seen = await site.summary();
  const bad = (await proxies.ask<ProxyCount[]>('counts')).filter(({ isGood }) => !isGood);
  const intoBadProxies = bad.reduce((sum, { requests }) => sum + requests, 0);
  return {
    run,
    site: seen,
    requestsPerPage: (seen.requests + intoBadProxies) / run.pages,
    intoBadProxies,
    perMinuteOnceKnown: Math.max(...bad.map(({ at }) => mostInAMinute(at))),
    mixedIdentities: seen.mixed + seen.otherAddress + seen.otherUserAgent,
  };
}

/** The most of these instants that lie within one minute, those before it was known left out. */
export function mostInAMinute(at: readonly number[]): number {
  const later = at.filter((instant) => instant > at[0]! + KNOWN_AFTER_MS);
  let most = 0;
  let from = 0;
  for (const [index, instant] of later.entries()) {
    while (later[from]! <= instant - MINUTE_MS) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
