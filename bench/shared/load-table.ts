import type { Together } from '../harness/load.ts';
import type { Table } from '../harness/report.ts';
import { spread, summary } from '../stats.ts';

/** Pairs a second and latencies of single calls, a row a contender. */
export function loadTable(
  title: string,
  note: string,
  samples: Readonly<Record<string, readonly Together[]>>,
): Table {
  return {
    title,
    note: `${note} Latencies are of single calls; p99 that of the process that fared worst.`,
    columns: ['', 'pairs/s in all', 'p50 ms', 'p99 ms'],
    rows: Object.entries(samples).map(([name, all]) => {
      const of = (value: (sample: Together) => number) => spread(summary(all.map(value)));
      return [name, of(({ perSecond }) => perSecond), of(({ p50 }) => p50), of(({ p99 }) => p99)];
    }),
  };
}
