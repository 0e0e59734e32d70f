import { StoreError } from '../../errors.ts';

/** Also what a missing table is: a schema that cannot be read. */
const GENERIC = 1;
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** The primary result code of SQLite (the low byte), or undefined where the error is not SQLite's. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Another connection holds a lock: worth trying again. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** It is no database, or a broken one. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error);
  return code === CORRUPT || code === NOT_A_DATABASE || code === GENERIC;
}

/** What a caller gets: our own errors as they are, SQLite's with the file's name and what to do. */
export function toStoreError(error: unknown, path: string): Error {
  const code = resultCode(error);
  // The file system's own words, a loop of links for example, name the file, too.
  const isSystems = error instanceof Error && 'syscall' in error;
  if (code === undefined && !isSystems) return error instanceof Error ? error : new Error(String(error));
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    return new StoreError(
      'STORE_UNUSABLE',
      `the store file ${path} is damaged; restore it from a backup, or move it away to start with an empty store`,
      { cause: error },
    );
  }
  const what = error instanceof Error ? error.message : String(error);
  return new StoreError('STORE_UNUSABLE', `the store file ${path} cannot be used: ${what}`, { cause: error });
}
