import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../errors.ts';
import { isBusy, toStoreError } from './sqlite-errors.ts';

/** How long it waits for those who are writing. */
const WAIT_MS = 10_000;

/**
 * Leaves nothing of earlier bodies in the file or its log: SQLite keeps what was replaced in free space until that is
 * used again. Blocks, and is a connection of its own, because `VACUUM` must stand outside of any transaction.
 */
export function scrub(path: string): void {
  const db = new DatabaseSync(path, { timeout: WAIT_MS });
  try {
    db.exec('VACUUM');
    const written = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    if (written?.busy) throw busy(path);
  } catch (error) {
    throw isBusy(error) ? busy(path, error) : toStoreError(error, path);
  } finally {
    db.close();
  }
}

function busy(path: string, cause?: unknown): StoreError {
  const message = `the store file ${path} is in use, and what was replaced in it could not be cleared away; stop those who use it, and try again`;
  return new StoreError('STORE_BUSY', message, { cause });
}
