import { describe, it } from 'vitest';
import { type PostgresStore, postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { type StoreHarness, storeContract } from '../../src/testing/index.ts';
import { postgresUrl, uniqueName } from '../servers/index.ts';

const url = postgresUrl;

const harness: StoreHarness = {
  name: 'postgres',
  open: (options) => postgresStore({ url, schema: uniqueName(), ...options }),
  reopen: (store, options) => postgresStore({ url, schema: (store as PostgresStore).schema, ...options }),
  child: (store) => ({
    module: new URL('./postgres-schemas.ts', import.meta.url).href,
    argument: JSON.stringify({ url, schema: (store as PostgresStore).schema }),
  }),
};

describe.skipIf(!url)('on a real server', () => {
  storeContract({ describe, it }, harness);
  storeContract(
    { describe, it },
    { ...harness, name: "postgres, by the server's clock", usesOwnClock: true },
  );
});
