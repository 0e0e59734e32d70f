import { cut, lengthOf, printable } from './terminal.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand under each other by their last digit. */
  readonly right?: boolean;
  /** May be cut where the terminal is too narrow; the last such column is cut first. */
  readonly canShrink?: boolean;
}

const GAP = 2;
const MIN_WIDTH = 6;

/** Lines of a table: a head and its rows, each column as wide as its widest cell, as far as `width` allows. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, column) =>
    cells.reduce((widest, row) => Math.max(widest, lengthOf(row[column] ?? '')), 0),
  );
  shrink(widths, columns, width);
  return cells.map((row) =>
    row
      .map((cell, column) => padded(cell, widths[column]!, columns[column]?.right === true))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** Lines of `name  value`, the names aligned. */
export function facts(pairs: readonly (readonly [name: string, value: string])[], width: number): string[] {
  const widest = Math.max(...pairs.map(([name]) => lengthOf(name)));
  return pairs.map(([name, value]) => cut(`${name.padEnd(widest)}  ${printable(value)}`.trimEnd(), width));
}

function shrink(widths: number[], columns: readonly Column[], width: number): void {
  let tooMuch = widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
  for (let column = columns.length - 1; column >= 0 && tooMuch > 0; column--) {
    if (!columns[column]!.canShrink) continue;
    const less = Math.min(tooMuch, Math.max(0, widths[column]! - MIN_WIDTH));
    widths[column]! -= less;
    tooMuch -= less;
  }
}

function padded(text: string, width: number, isRight: boolean): string {
  const shown = cut(text, width);
  const padding = ' '.repeat(width - lengthOf(shown));
  return isRight ? padding + shown : shown + padding;
}
