/** A table of a subject's results. */
export interface Table {
  readonly title: string;
  /** The load: sizes, concurrency, what one sample is. */
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A line of "What it must reach". */
export interface Target {
  readonly text: string;
  readonly measured: string;
  readonly isReached: boolean;
}

/** What a subject hands to the runner. */
export interface SubjectReport {
  readonly name: string;
  readonly title: string;
  readonly tables: readonly Table[];
  /** Empty where nothing is judged, as with --quick. */
  readonly targets: readonly Target[];
  readonly seconds: number;
  /** Load averages over a minute, before and after: with more than ours the figures say little. */
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly date: string;
}

export function targetTable(targets: readonly Target[]): Table {
  return {
    title: 'What it must reach',
    note: '',
    columns: ['target', 'measured', 'reached'],
    rows: targets.map(({ text, measured, isReached }) => [text, measured, isReached ? 'yes' : '**no**']),
  };
}

/** As Markdown that also reads well in a terminal. */
export function formatTable({ title, note, columns, rows }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(3, ...[column, ...rows.map((row) => row[index] ?? '')].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index]!)).join(' | ')} |`;
  const head = [line(columns), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`];
  const text = [...head, ...rows.map((row) => line(row))].join('\n');
  return `### ${title}\n\n${note === '' ? '' : `${note}\n\n`}${text}\n`;
}

export function formatSubject(report: SubjectReport): string {
  const { title, tables, targets, date, seconds, loadBefore, loadAfter } = report;
  const load = `load average ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`;
  const parts = tables.map(formatTable);
  if (targets.length > 0) parts.unshift(formatTable(targetTable(targets)));
  return `## ${title}\n\n${date}, ${Math.round(seconds)} s, ${load}.\n\n${parts.join('\n')}`;
}
