import { type PostgresStore, postgresStore } from '../../src/stores/postgres/postgres-store.ts';

/** How a child process opens the store: `url` and schema, as JSON. */
export function open(argument: string): PostgresStore {
  return postgresStore(JSON.parse(argument) as { url: string; schema: string });
}
