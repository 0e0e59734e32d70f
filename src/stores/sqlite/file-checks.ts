import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../../errors.ts';
import { APPLICATION_ID, migrations } from './schema.ts';

/** First bytes of every SQLite 3 file (https://www.sqlite.org/fileformat2.html, 1.3). */
const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;

export function unusable(path: string, what: string, todo: string, cause?: unknown): StoreError {
  return new StoreError('STORE_UNUSABLE', `the store file ${path} ${what}; ${todo}`, { cause });
}

/**
 * Looks at a file with plain reads before SQLite may open it, since SQLite writes into a folder (a journal to
 * roll back, `-wal`, `-shm`) even for a file that turns out not to be ours. `new`: nothing there yet.
 * `unclear`: another process is creating it at this moment, or died while doing so: SQLite's own locks will tell.
 */
export function checkFile(path: string): 'new' | 'ours' | 'unclear' {
  const folder = dirname(path);
  if (!existsSync(folder)) {
    throw unusable(path, `cannot be made: there is no folder ${folder}`, 'create the folder first');
  }
  if (!existsSync(path)) return 'new';
  const header = readHeader(path);
  if (header.length === 0) return 'new';
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    if (existsSync(`${path}-journal`)) return 'unclear';
    throw unusable(path, 'is not an SQLite file', 'choose another path; it was left untouched');
  }
  if (header.readUInt32BE(68) !== APPLICATION_ID) {
    if (existsSync(`${path}-journal`)) return 'unclear';
    throw unusable(path, 'belongs to another application', 'choose another path; it was left untouched');
  }
  checkVersion(path, header.readUInt32BE(60));
  checkSize(path, header);
  return 'ours';
}

export function checkVersion(path: string, version: number): void {
  if (version <= migrations.length) return;
  throw unusable(
    path,
    `was written by a newer troupe (schema ${version}; this one knows ${migrations.length})`,
    'update troupe; the file was left untouched',
  );
}

function readHeader(path: string): Buffer {
  let file: number;
  try {
    if (!statSync(path).isFile()) throw unusable(path, 'is not a regular file', 'choose another path');
    file = openSync(path, 'r');
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw unusable(path, 'cannot be read', 'check its permissions', error);
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return header.subarray(0, readSync(file, header, 0, HEADER_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

/** A file that was cut off. Only without a log: with one, the missing pages may still be in it. */
function checkSize(path: string, header: Buffer): void {
  const wal = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (wal !== undefined && wal.size > 0) return;
  const rawPageSize = header.readUInt16BE(16);
  const pageSize = rawPageSize === 1 ? 65_536 : rawPageSize;
  const isCountValid = header.readUInt32BE(24) === header.readUInt32BE(92);
  const size = statSync(path).size;
  if (isCountValid && size < header.readUInt32BE(28) * pageSize) {
    throw unusable(path, 'is damaged: its end is missing', 'restore it from a backup, or move it away');
  }
}
