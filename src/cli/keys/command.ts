import type { Command } from 'commander';
import type { ExitCode } from '../exit-codes.ts';
import { storeOption } from '../store-option.ts';
import { newKey } from './new.ts';
import { rotate } from './rotate.ts';

const HELP = `
The key stands in the environment, as TROUPE_KEY, and never in an argument: others can see those. Every command that
opens a store takes it from there.

Examples:
  $ export TROUPE_KEY=$(troupe keys new)
  $ TROUPE_KEY="$NEW_KEY,$OLD_KEY" troupe keys rotate --store sqlite:troupe.db`;

/** `troupe keys`: makes the keys that seal a store, and changes them. */
export function addKeysCommand(program: Command, ended: (code: ExitCode) => void): void {
  const keys = program
    .command('keys')
    .description('make the key that seals what a store keeps of its users, and change it')
    .addHelpText('after', HELP);
  keys
    .command('new')
    .description('print a new key')
    .addHelpText('after', '\nExample:\n  $ export TROUPE_KEY=$(troupe keys new)')
    .action(newKey);
  keys
    .command('rotate')
    .description(
      'seal everything with the first key of TROUPE_KEY; the others, after a comma, are the old ones',
    )
    .addOption(storeOption())
    .addHelpText(
      'after',
      `
Also what is in clear text: for a store that was used without a key, and that nobody uses meanwhile. It can be stopped at
any time, and run again.

Example:
  $ TROUPE_KEY="$NEW_KEY,$OLD_KEY" troupe keys rotate --store sqlite:troupe.db`,
    )
    .action(async (options: { store?: string }) => ended(await rotate(options)));
}
