import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { demandNode24, machineLines } from './harness/machine.ts';
import { formatTable, type SubjectReport, targetTable } from './harness/report.ts';
import { writeResults } from './harness/results-file.ts';
import { optionTypes } from './harness/subject.ts';
import { versionLines } from './harness/versions.ts';

const subjects = [
  'memory-pool',
  'sqlite',
  'redis',
  'postgres',
  'fetch',
  'main-job',
  'verdict',
  'fingerprints',
  'survival',
];

const usage = `npm run bench -- [subject…] [--quick] [--rounds N] [--profile DIR]

subjects: ${subjects.join(', ')}; all of them without a name
--quick         some seconds each, as a test that they run; writes and judges nothing
--rounds N      rounds of each measurement (5)
--profile DIR   CPU profiles of troupe's processes; they slow it down, so nothing is written`;

demandNode24();
const { values, positionals } = parseArgs({ options: optionTypes, allowPositionals: true });
const unknown = positionals.filter((name) => !subjects.includes(name));
if (values.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `unknown subject: ${unknown.join(', ')}\n\n${usage}` : usage);
  process.exit(unknown.length > 0 ? 2 : 0);
}

console.log([...machineLines(), ...versionLines()].join('\n'));
const start = performance.now();
const reports: SubjectReport[] = [];
const failed: string[] = [];
for (const name of positionals.length > 0 ? positionals : subjects) {
  const report = await runInProcess(name);
  if (report) reports.push(report);
  else failed.push(name);
}

const targets = reports.flatMap((report) => report.targets);
if (targets.length > 0) console.log(`\n${formatTable(targetTable(targets))}`);
if (!values.quick && values.profile === undefined && reports.length > 0) {
  console.log(`Written to ${writeResults(reports, subjects)}`);
}
console.log(`${Math.round((performance.now() - start) / 1000)} s in all`);
if (failed.length > 0) {
  console.error(`Failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

/** Each subject in a process of its own; undefined if it failed, which it has told by itself. */
async function runInProcess(name: string): Promise<SubjectReport | undefined> {
  const args = values.quick ? ['--quick'] : [];
  if (values.rounds !== undefined) args.push('--rounds', values.rounds);
  if (values.profile !== undefined) args.push('--profile', values.profile);
  const child = fork(fileURLToPath(new URL(`${name}.bench.ts`, import.meta.url)), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let report: SubjectReport | undefined;
  child.on('message', (message: SubjectReport) => {
    report = message;
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  return code === 0 ? report : undefined;
}
