import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SessionPool } from '../../index.ts';
import type { ExitCode } from '../exit-codes.ts';
import { parseDuration, showDuration, wholeNumber } from '../quantities.ts';
import { storeOption } from '../store-option.ts';
import { asTyped } from './dash-ids.ts';
import { type ListOptions, listSessions, STATES } from './ls.ts';
import { type StoreOptions, withPool } from './open.ts';
import { each } from './orders.ts';
import { type ReviveWhich, reviveAll } from './revive.ts';
import { showSession } from './show.ts';
import { showStats } from './stats.ts';

const HELP = `
Every command takes --store (or TROUPE_STORE) and --json. They can be used while others fetch: who holds a user
that is retired is told, and a rest or a removal takes effect when it is given back.

Examples:
  $ troupe sessions ls --store sqlite:troupe.db --state resting
  $ troupe sessions show 3kTMd3h9Qm2pV8sXw1yZbA --store sqlite:troupe.db
  $ troupe sessions stats --store sqlite:troupe.db --json`;

/** `troupe sessions`: looks after the users of a store. */
export function addSessionsCommand(program: Command, ended: (code: ExitCode) => void): void {
  const sessions = program
    .command('sessions')
    .description('look at the users of a store, retire, revive, rest and remove them')
    .addHelpText('after', HELP);
  addViews(sessions, ended);
  addOrders(sessions, ended);
}

function addViews(sessions: Command, ended: (code: ExitCode) => void): void {
  subcommand(
    sessions,
    'ls',
    'list users, in the order of their ids',
    'ls --store sqlite:troupe.db --state leased',
  )
    .addOption(new Option('--state <state>', 'only these').choices(STATES))
    .addOption(new Option('--limit <n>', 'at most so many; 0 for all').argParser(wholeNumber(0)).default(100))
    .action((options: ListOptions & StoreOptions) =>
      withPool(options, (pool) => listSessions(pool, options)),
    );
  subcommand(
    sessions,
    'show',
    'one user: its cookies (never their values), where it is blocked, and its last 20 decisions with their reasons',
    'show 3kTMd3h9Qm2pV8sXw1yZbA --store sqlite:troupe.db',
  )
    .argument('<id>', 'its id', asTyped)
    .action(async (id: string, options: StoreOptions) =>
      ended(await withPool(options, (pool) => showSession(pool, id, options.json))),
    );
  subcommand(
    sessions,
    'stats',
    'users by state, by site and by cause of death',
    'stats --store sqlite:troupe.db',
  ).action((options: StoreOptions) => withPool(options, (pool) => showStats(pool, options.json)));
}

function addOrders(sessions: Command, ended: (code: ExitCode) => void): void {
  const id = '3kTMd3h9Qm2pV8sXw1yZbA';
  type Options = StoreOptions & { reason?: string; site?: URL };
  const many = (
    name: string,
    description: string,
    words: { done: string; missing: string },
    order: (pool: SessionPool, id: string, options: Options) => Promise<boolean>,
  ): Command =>
    subcommand(sessions, name, description, `${name} ${id} --store sqlite:troupe.db`)
      .argument('<id...>', 'their ids', (arg: string, before: string[] = []) => [...before, asTyped(arg)])
      .action(async (ids: string[], options: Options) =>
        ended(
          await withPool(options, (pool) =>
            each(ids, options.json, words, (one) => order(pool, one, options)),
          ),
        ),
      );
  many(
    'retire',
    'retire users for good: they are not used again',
    { done: 'retired', missing: 'no living user of that id' },
    (pool, one, { reason }) => pool.retire(one, reason),
  ).addOption(new Option('--reason <text>', 'why, for the record').argParser(asTyped));
  subcommand(
    sessions,
    'revive',
    'make dead users living again: error score 0, bans and rests lifted; by their ids, or all that died so',
    'revive --reason "blocked status" --since 2h --store sqlite:troupe.db',
  )
    .argument('[id...]', 'their ids', (arg: string, before: string[] = []) => [...before, asTyped(arg)])
    .addOption(
      new Option('--reason <text>', 'died for this reason, or one that begins so').argParser(asTyped),
    )
    .addOption(new Option('--since <time>', 'died in the last: 30m, 2h, 1d').argParser(parseDuration))
    .action(async (ids: string[], options: StoreOptions & ReviveWhich, command: Command) => {
      const isByReason = options.reason !== undefined || options.since !== undefined;
      if (ids.length > 0 === isByReason)
        command.error('error: revive takes ids, or --reason or --since to revive all that died so');
      const words = { done: 'revived', missing: 'no dead user of that id' };
      ended(
        await withPool(options, (pool) =>
          isByReason
            ? reviveAll(pool, options, options.json)
            : each(ids, options.json, words, (one) => pool.revive(one)),
        ),
      );
    });
  many(
    'rm',
    'remove users wholly, with their cookies and their record',
    { done: 'removed', missing: 'no user of that id' },
    (pool, one) => pool.remove(one),
  );
  subcommand(
    sessions,
    'rest',
    'rest a user for a time, everywhere or for one site; 0 ends its rest (and a ban)',
    `rest ${id} 30m --site example.com --store sqlite:troupe.db`,
  )
    .argument('<id>', 'its id', asTyped)
    .argument('<time>', 'how long: 30s, 5m, 2h', parseDuration)
    .addOption(
      new Option('--site <site>', 'only for this site: example.com, or a URL of it').argParser(parseSite),
    )
    .action(async (one: string, ms: number, options: Options) => {
      const words = {
        done: ms === 0 ? 'ended the rest of' : `rests for ${showDuration(ms)}:`,
        missing: 'no living user of that id',
      };
      const where = options.site === undefined ? {} : { site: options.site };
      ended(
        await withPool(options, (pool) => each([one], options.json, words, () => pool.rest(one, ms, where))),
      );
    });
}

function subcommand(sessions: Command, name: string, description: string, example: string): Command {
  return sessions
    .command(name)
    .description(description)
    .addOption(storeOption())
    .option('--json', 'as JSON')
    .addHelpText('after', `\nExample:\n  $ troupe sessions ${example}`);
}

function parseSite(text: string): URL {
  const url = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new InvalidArgumentError('It must be a host such as example.com, or a URL.');
  return new URL(url);
}
