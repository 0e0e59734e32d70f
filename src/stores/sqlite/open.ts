import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { checkFile, checkVersion, foreign, pragma, unusable } from './file-checks.ts';
import { APPLICATION_ID, migrations } from './schema.ts';
import { isBusy, toStoreError } from './sqlite-errors.ts';

export type Synchronous = 'normal' | 'full';

/**
 * Opens the file, making or migrating it where needed. Never waits: an error for which `isBusy` holds means that
 * another process is at the same thing, and the caller tries again.
 */
export function openFile(path: string, synchronous: Synchronous): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    const isNew = checkFile(path) === 'new';
    if (isNew) createEmpty(path);
    db = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: false });
    // Half of SQLite's usual: sessions come back in any order, each use writes pages all over the table, and smaller
    // ones are a third more uses a second. Fixed with the first write.
    if (isNew) db.exec('PRAGMA page_size = 2048');
    migrate(db, path);
    configure(db, path, synchronous);
    return db;
  } catch (error) {
    db?.close();
    throw isBusy(error) ? error : toStoreError(error, path);
  }
}

/** The mode is set when the file is made: SQLite gives `-wal` and `-shm` the mode of the file itself. */
function createEmpty(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      // A link that leads nowhere yet: SQLite would make the file behind it, for everybody to read.
      if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
      return;
    }
    throw unusable(path, 'cannot be made', 'check the permissions of its folder', error);
  }
}

/**
 * Runs before the log is turned on, so that a new file's header says whose it is from the first commit on.
 * The check is repeated inside the transaction: two processes may have started on the same empty file.
 */
function migrate(db: DatabaseSync, path: string): void {
  if (pragma(db, 'application_id') === APPLICATION_ID && pragma(db, 'user_version') === migrations.length)
    return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const isEmpty = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables === 0;
    if (!isEmpty && pragma(db, 'application_id') !== APPLICATION_ID) {
      throw foreign(path);
    }
    const version = pragma(db, 'user_version');
    checkVersion(path, version);
    for (const migration of migrations.slice(version)) db.exec(migration);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function configure(db: DatabaseSync, path: string, synchronous: Synchronous): void {
  const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
  if (mode !== 'wal') {
    throw unusable(path, 'is where SQLite cannot share memory (a network folder?)', 'choose a local folder');
  }
  // Checkpoints are a thread's work (checkpoints.ts). Only where it falls far behind, at 256 MiB, a commit does it.
  db.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = 131072;
    PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384`);
}
