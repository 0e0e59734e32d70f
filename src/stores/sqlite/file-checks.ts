import { existsSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { StoreError } from '../../errors.ts';
import { APPLICATION_ID, migrations } from './schema.ts';
import { isBusy, isDamage } from './sqlite-errors.ts';

/** SQLite takes a file shorter than its smallest page for an empty database, and would write over it. */
const SMALLEST_PAGE_BYTES = 512;

export function unusable(path: string, what: string, todo: string, cause?: unknown): StoreError {
  return new StoreError('STORE_UNUSABLE', `the store file ${path} ${what}; ${todo}`, { cause });
}

/**
 * Refuses what is not ours, and leaves it as it is. `new`: nothing there yet. `unclear`: another process is
 * creating it at this moment, or died while doing so: SQLite's own locks will tell.
 *
 * All reading is SQLite's, none ours: a file that we opened and closed would take with it the locks that another
 * store of this process holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
export function checkFile(path: string): 'new' | 'ours' | 'unclear' {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    throw unusable(path, `cannot be made: there is no folder ${folder}`, 'create the folder first');
  }
  const stats = statSync(path, { throwIfNoEntry: false }) as Stats | undefined;
  if (stats && !stats.isFile()) throw unusable(path, 'is not a regular file', 'choose another path');
  if (stats === undefined || stats.size === 0) return 'new';
  try {
    if (stats.size < SMALLEST_PAGE_BYTES) throw notSqlite(path);
    checkWithoutTrace(path);
  } catch (error) {
    if (isBusy(error)) throw error;
    if (existsSync(`${path}-journal`)) return 'unclear';
    throw error;
  }
  return 'ours';
}

/**
 * "Immutable" keeps SQLite from taking locks, from rolling anything back and from making `-wal` and `-shm` beside a
 * file that we then refuse. It reads no log either: where there is one, a second look follows, at a file that is
 * known to be ours by then.
 */
function checkWithoutTrace(path: string): void {
  const hasLog = existsSync(`${path}-wal`);
  const url = pathToFileURL(path);
  url.search = 'immutable=1';
  let isOurs = false;
  try {
    look(url, (db) => {
      if (pragma(db, 'application_id') !== APPLICATION_ID) throw foreign(path);
      isOurs = true;
      checkContent(db, path);
    });
  } catch (error) {
    // Pages may still be in the log, or be moving: somebody may have opened the file meanwhile.
    const mayBeWhole = isDamage(error) && (hasLog || existsSync(`${path}-wal`));
    if (!mayBeWhole) throw isOurs || !isDamage(error) ? error : notSqlite(path, error);
  }
  if (hasLog) look(pathToFileURL(path), (db) => checkContent(db, path));
}

function look(url: URL, check: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(url, { readOnly: true, timeout: 0 });
  try {
    check(db);
  } finally {
    db.close();
  }
}

function checkContent(db: DatabaseSync, path: string): void {
  checkVersion(path, pragma(db, 'user_version'));
  db.prepare('SELECT living FROM totals').get();
}

export function checkVersion(path: string, version: number): void {
  if (version <= migrations.length) return;
  throw unusable(
    path,
    `was written by a newer troupe (schema ${version}; this one knows ${migrations.length})`,
    'update troupe; the file was left untouched',
  );
}

export function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

export function foreign(path: string): StoreError {
  return unusable(path, 'belongs to another application', 'choose another path; it was left untouched');
}

function notSqlite(path: string, cause?: unknown): StoreError {
  return unusable(
    path,
    'is not an SQLite file, or damaged',
    'choose another path; it was left untouched',
    cause,
  );
}
