import { afterAll, describe, it } from 'vitest';
import { memoryStore } from '../../src/stores/memory/memory-store.ts';
import { type SqliteStore, sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { storeContract } from '../../src/testing/index.ts';
import { sqliteFiles } from './sqlite-files.ts';

const files = sqliteFiles();
afterAll(() => files.removeAll());

storeContract({ describe, it }, { name: 'memory', open: (options) => memoryStore(options) });

storeContract(
  { describe, it },
  {
    name: 'sqlite',
    open: (options) => sqliteStore({ path: files.newPath(), ...options }),
    reopen: (store, options) => sqliteStore({ path: (store as SqliteStore).path, ...options }),
    child: (store) => ({
      module: new URL('./sqlite-files.ts', import.meta.url).href,
      argument: (store as SqliteStore).path,
    }),
  },
);
