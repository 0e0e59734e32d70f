import { type ProxyRecord, showProxy } from '../../proxies/proxy.ts';
import { showDuration } from '../quantities.ts';
import { table } from '../table.ts';
import type { ProxyReport } from './check-one.ts';

/** What proxies are called, without credentials; those that differ in nothing else have a number. */
export function nameAll(proxies: readonly ProxyRecord[]): string[] {
  const counts = new Map<string, number>();
  return proxies.map((proxy) => {
    const shown = showProxy(proxy);
    const count = (counts.get(shown) ?? 0) + 1;
    counts.set(shown, count);
    return count === 1 ? shown : `${shown} #${count}`;
  });
}

/** The reports for people, and their sum. */
export function reportTable(
  reports: readonly ProxyReport[],
  { hasExits, total }: { hasExits: boolean; total: number },
  width: number,
): string[] {
  const good = reports.filter(({ ok }) => ok).length;
  const sum = [`${good} of ${reports.length} good`];
  if (reports.length < total) sum.push(`${total - reports.length} not checked`);
  const rows = reports.map(({ proxy, country, verdict, latencyMs, exits, reason }) => [
    proxy,
    country ?? '',
    verdict,
    latencyMs === null ? '' : showDuration(latencyMs),
    ...(hasExits ? [exits.join(' ')] : []),
    reason ?? '',
  ]);
  const columns = [
    { title: 'PROXY', canShrink: true },
    { title: 'COUNTRY' },
    { title: 'VERDICT' },
    { title: 'LATENCY', right: true },
    ...(hasExits ? [{ title: 'EXIT', canShrink: true }] : []),
    { title: 'NOTE', canShrink: true },
  ];
  return [...table(columns, rows, width), sum.join(', ')];
}
