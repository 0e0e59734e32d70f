import { type Command, Option } from 'commander';
import type { SessionPool } from '../../index.ts';
import type { ExitCode } from '../exit-codes.ts';
import { wholeNumber } from '../quantities.ts';
import { type StoreOptions, withPool } from '../sessions/open.ts';
import { each } from '../sessions/orders.ts';
import { storeOption } from '../store-option.ts';
import { listAccounts } from './ls.ts';

const HELP = `
An account is known by its user name, as the pool's option accounts gives it. Passwords are not in a store. A user name that
begins with a dash goes behind a --. Every command takes --store (or TROUPE_STORE) and --json, and can be used while others
log in.

Examples:
  $ troupe accounts ls --store sqlite:troupe.db
  $ troupe accounts ready ada@example.com --store sqlite:troupe.db`;

/** `troupe accounts`: looks after the accounts that users log in as. */
export function addAccountsCommand(program: Command, ended: (code: ExitCode) => void): void {
  const accounts = program
    .command('accounts')
    .description('look at the accounts of a store, park them, make them ready and erase them')
    .addHelpText('after', HELP);
  subcommand(accounts, 'ls', 'list accounts: their state, their logins of the last day, and their user', 'ls')
    .addOption(
      new Option(
        '--max-logins <n>',
        'logins that your pools allow an account within 24 hours (maxLoginsPerDay): who has had them shows as cooling',
      ).argParser(wholeNumber(1, 1_000)),
    )
    .action((options: StoreOptions & { maxLogins?: number }) =>
      withPool(options, (pool) => listAccounts(pool, options.json), options.maxLogins),
    );
  const many = (
    name: string,
    description: string,
    words: { done: string; missing: string },
    order: (pool: SessionPool, id: string) => Promise<boolean>,
  ): Command =>
    subcommand(accounts, name, description, `${name} ada@example.com`)
      .argument('<id...>', 'their user names')
      .action(async (ids: string[], options: StoreOptions) =>
        ended(await withPool(options, (pool) => each(ids, options.json, words, (id) => order(pool, id)))),
      );
  many(
    'park',
    'use accounts no more: they do not log in, and their users rest',
    { done: 'parked', missing: 'cannot be parked' },
    async (pool, id) => {
      await pool.accounts.park(id);
      return true;
    },
  );
  many(
    'ready',
    'use accounts again, whatever kept them from that: parked, locked, wrong credentials, cooling',
    { done: 'ready:', missing: 'no account of that name' },
    (pool, id) => pool.accounts.ready(id),
  );
  many(
    'rm',
    'erase all that is kept of accounts: their record, device and proxy, and their users, dead or alive',
    { done: 'erased', missing: 'no account of that name' },
    (pool, id) => pool.accounts.remove(id),
  );
}

function subcommand(accounts: Command, name: string, description: string, example: string): Command {
  return accounts
    .command(name)
    .description(description)
    .addOption(storeOption())
    .option('--json', 'as JSON')
    .addHelpText('after', `\nExample:\n  $ troupe accounts ${example} --store sqlite:troupe.db`);
}
