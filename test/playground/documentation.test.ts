import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { playgroundDefaults } from '../../playground/options.ts';
import { routes } from '../../playground/routes/table.ts';

const read = (file: string) => readFileSync(new URL(`../../playground/${file}`, import.meta.url), 'utf8');

it('says the default of every option in its doc comment', () => {
  const documented = [...read('options.ts').matchAll(/@default (\S+)\n\s+\*\/\n\s+(\w+)\?:/g)].map(
    ([, value, name]) => [name, JSON.parse(value!.replaceAll("'", '"'))],
  );
  expect(Object.fromEntries(documented)).toEqual(playgroundDefaults);
});

it('lists every route in the README, and no other', () => {
  const table = read('README.md').split('## Pages')[1]!.split('## The ledger')[0]!;
  const rows = table.split('\n').filter((line) => line.startsWith('| `/'));
  const names = rows.flatMap((row) =>
    [...row.split('|')[1]!.matchAll(/`\/([\w-]*)/g)].map(([, name]) => name),
  );
  expect([...new Set(names)].sort()).toEqual([...routes.keys()].sort());
});
