import { inspect } from 'node:util';
import { OptionError } from '../../errors.ts';
import { fail, type OptionCheck, plainObject } from '../../internal/options.ts';

/** What somebody logs in with. Only `id` is ever stored, in the account's record and in its session. */
export interface Account {
  /** The user name: names the account in the store, in events and on the command line. 1 to 320 characters. */
  readonly id: string;
  /** Handed to `onCreate` and `refresh`; never stored and never shown. */
  readonly password?: string;
  /** What else a login needs. Handed on like the password, and no more shown. */
  // biome-ignore lint/suspicious/noExplicitAny: it is the user's own, and read back with the user's own types.
  readonly [more: string]: any;
}

/** Where accounts come from: a list, or what gives it. */
export type AccountSource = readonly Account[] | (() => readonly Account[] | Promise<readonly Account[]>);

/** As long as a mail address may be (RFC 5321, 4.5.3.1). */
const MAX_ID_LENGTH = 320;

/**
 * Checks a list of accounts, and makes it one that can be logged without giving a password away.
 * @throws OptionError that names the account by its place, and never shows any of it
 */
export function readAccounts(given: unknown, path = 'accounts'): readonly Account[] {
  if (!Array.isArray(given)) fail(path, 'a list of accounts, each with an id', given);
  const places = new Map<string, number>();
  return given.map((account: unknown, index) => {
    const where = `${path}.${index}`;
    plainObject(account, where);
    const { id } = account as { id?: unknown };
    checkId(id, `${where}.id`);
    const before = places.get(id as string);
    if (before !== undefined) {
      throw new OptionError(
        `${where}.id`,
        `"${where}.id" is the same as "${path}.${before}.id"; list each account once`,
      );
    }
    places.set(id as string, index);
    return hidden(account as Account);
  });
}

/** Of a list, at once; what a function gives shows when it is called. */
export const accountSource: OptionCheck = (value, path) => {
  if (typeof value !== 'function') readAccounts(value, path);
};

export const checkId: OptionCheck = (value, path) => {
  const isFine =
    typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH && value !== '__proto__';
  if (!isFine) fail(path, `a user name of 1 to ${MAX_ID_LENGTH} characters`, value);
};

/** A copy that logs as its id. */
function hidden(account: Account): Account {
  const copy = { ...account };
  const show = () => `Account ${JSON.stringify(account.id)} (the rest is not shown)`;
  Object.defineProperty(copy, inspect.custom, { value: show });
  return Object.freeze(copy);
}
