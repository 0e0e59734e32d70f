import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machineLines } from './machine.ts';
import { formatSubject, type SubjectReport } from './report.ts';
import { versionLines } from './versions.ts';

const file = fileURLToPath(new URL('../RESULTS.md', import.meta.url));

/** Sections are found again by these marks: who runs one subject keeps what is known of the others. */
const begin = (name: string) => `<!-- begin ${name} -->`;
const end = (name: string) => `<!-- end ${name} -->`;

/** Writes RESULTS.md: the sections of these reports anew, those of the other subjects as they were. */
export function writeResults(reports: readonly SubjectReport[], order: readonly string[]): string {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const sections = order.map((name) => {
    const report = reports.find((known) => known.name === name);
    const text = report ? formatSubject(report).trim() : sectionOf(before, name);
    return text === undefined ? '' : `${begin(name)}\n${text}\n${end(name)}\n`;
  });
  const head = [
    '# Results',
    '',
    'Written by `npm run bench`; [README.md](README.md) says what is measured and how. Medians of the rounds, with',
    'their spread (least–most). Ratios and targets are of medians.',
    '',
    ...machineLines(),
    ...versionLines(),
    '',
  ];
  writeFileSync(file, `${[...head, ...sections.filter(Boolean)].join('\n').trimEnd()}\n`);
  return file;
}

function sectionOf(text: string, name: string): string | undefined {
  const from = text.indexOf(begin(name));
  const to = text.indexOf(end(name));
  return from < 0 || to < 0 ? undefined : text.slice(from + begin(name).length, to).trim();
}
