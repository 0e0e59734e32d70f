import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addAccountsCommand } from '../../src/cli/accounts/command.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { addFetchCommand } from '../../src/cli/fetch/command.ts';
import { addKeysCommand } from '../../src/cli/keys/command.ts';
import { addProxiesCommand } from '../../src/cli/proxies/command.ts';
import { addQueueCommand } from '../../src/cli/queue/command.ts';
import { addSessionsCommand } from '../../src/cli/sessions/command.ts';
import { addWorkCommand } from '../../src/cli/work/command.ts';
import { root } from './blocks.ts';

const guide = readFileSync(new URL('docs/cli.md', root), 'utf8');
const program = new Command();
addFetchCommand(program, () => {});
addSessionsCommand(program, () => {});
addWorkCommand(program, () => {});
addQueueCommand(program, () => {});
addKeysCommand(program, () => {});
addAccountsCommand(program, () => {});
addProxiesCommand(program, () => {});
const [fetch, sessions, work, queue, keys, accounts, proxies] = program.commands as [
  Command,
  Command,
  Command,
  Command,
  Command,
  Command,
  Command,
];

/** The rows of the tables of a section, by their cells. */
function rows(heading: string): string[][] {
  const section = guide.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
  const lines = section.split('\n').filter((line) => /^\| `?[-\w]/.test(line));
  return lines.map((line) => line.split('|').slice(1, -1));
}

const code = (text: string) => [...text.matchAll(/`(.*?)`/g)].map(([, inside]) => inside!);

it.each([
  ['Fetch', fetch],
  ['Work', work],
])('lists every option of %s, with its default', (heading, command) => {
  const told = rows(heading).flatMap(([names = '', preset = '']) => {
    const options = code(names).filter((name) => name.startsWith('--'));
    return options.map((name) => [name.split(' ')[0], code(preset)[0] ?? '']);
  });
  const real = command.options.map(({ long, defaultValue, defaultValueDescription }) => [
    long!,
    typeof defaultValue === 'boolean' ? '' : String(defaultValueDescription ?? defaultValue ?? ''),
  ]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(real));
});

it.each([
  ['Sessions', sessions],
  ['Queue', queue],
  ['Keys', keys],
  ['Proxies', proxies],
  ['Accounts', accounts],
])('lists every command of %s', (heading, command) => {
  const told = rows(heading).map(([name = '']) => code(name)[0]?.split(' ')[0]);
  expect(told.filter(Boolean).sort()).toEqual(command.commands.map((verb) => verb.name()).sort());
});

it('lists every exit code', () => {
  expect(rows('Exit codes').map(([number]) => Number(number))).toEqual([Number.NaN, ...Object.values(EXIT)]);
});
