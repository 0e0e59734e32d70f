import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';

/** What child processes of the tests open: the argument is the file. */
export function open(path: string) {
  return sqliteStore({ path });
}

/** Files of one test file, in a folder that `removeAll` takes away. */
export function sqliteFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-sqlite-'));
  let made = 0;
  return {
    folder,
    newPath: () => join(folder, `store-${made++}.db`),
    removeAll: () => rmSync(folder, { recursive: true, force: true }),
  };
}
