import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { demandNode24 } from './machine.ts';
import { formatTable, type SubjectReport, type Table, type Target, targetTable } from './report.ts';

export interface SubjectOptions {
  /** Seconds instead of minutes, and nothing is judged: only whether it runs. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Where CPU profiles of troupe's processes go. */
  readonly profileDir: string | undefined;
}

/** Collects a subject's results, and prints them as they come. */
export class Results {
  readonly tables: Table[] = [];
  readonly targets: Target[] = [];

  table(table: Table): void {
    this.tables.push(table);
    console.log(`\n${formatTable(table)}`);
  }

  target(text: string, measured: string, isReached: boolean): void {
    this.targets.push({ text, measured, isReached });
  }
}

export const optionTypes = {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** Runs a subject in this process: prints its tables and hands them to the runner, if one has started it. */
export async function runSubject(
  name: string,
  title: string,
  measure: (options: SubjectOptions, results: Results) => Promise<void>,
): Promise<void> {
  demandNode24();
  const { values } = parseArgs({ options: optionTypes });
  const quick = values.quick;
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds must be a whole number from 1; got ${values.rounds}`);
  const results = new Results();
  const start = performance.now();
  const loadBefore = loadavg()[0]!;
  console.log(`\n# ${title}${quick ? ' (quick: figures mean nothing)' : ''}`);
  await measure({ quick, rounds, profileDir: values.profile }, results);
  if (!quick && results.targets.length > 0) console.log(`\n${formatTable(targetTable(results.targets))}`);
  const report: SubjectReport = {
    name,
    title,
    tables: results.tables,
    targets: quick ? [] : results.targets,
    seconds: (performance.now() - start) / 1000,
    loadBefore,
    loadAfter: loadavg()[0]!,
    date: new Date().toISOString().slice(0, 10),
  };
  process.send?.(report, () => process.disconnect?.());
}

/** Says what was wrong with the work itself: a fast wrong answer is no result. */
export function verify(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(`the work was not done as it should be: ${what}`);
}
