import { TroupeError } from '../../errors.ts';
import { SETTINGS } from './schema/plpgsql.ts';

/** What the store calls of a `pg` pool; hand in a `pg.Pool` of your own, or anything that behaves like one. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

/** What the store calls of a connection. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ rows: unknown[] }>;
  query(query: string): Promise<{ rows: unknown[] }>;
  on(
    event: 'notification',
    listener: (message: { channel: string; payload?: string | undefined }) => void,
  ): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(
    event: 'notification',
    listener: (message: { channel: string; payload?: string | undefined }) => void,
  ): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** Gives it back to its pool; with `true`, the connection is closed instead. */
  release(destroy?: boolean): void;
}

export interface PostgresQuery {
  name?: string;
  text: string;
  values: unknown[];
  rowMode: 'array';
  types: { getTypeParser(oid: number): (value: string) => unknown };
}

export interface Statement {
  /** Prepared under this name, once a connection. */
  readonly name: string;
  readonly text: string;
}

/** Rows as arrays, values as PARSERS has them. */
export function queryOf({ name, text }: Statement, values: unknown[]): PostgresQuery {
  return { name, text, values, rowMode: 'array', types };
}

/** The pool that the store opens by itself. */
export interface OwnPool extends PostgresPool {
  on(event: 'error', listener: (error: Error) => void): unknown;
  end(): Promise<void>;
}

/** Connections at most: one for leases, one for releases, and two for all else; one more listens while somebody waits. */
const MAX_CONNECTIONS = 5;
const CONNECT_TIMEOUT_MS = 5000;
/** How long a connection that nobody needs stays open. */
const IDLE_MS = 30_000;

/** @throws TroupeError `MISSING_PACKAGE` */
export async function openPool(connectionString: string): Promise<OwnPool> {
  let pg: typeof import('pg');
  try {
    pg = await import('pg');
  } catch (cause) {
    throw new TroupeError('MISSING_PACKAGE', 'a store on PostgreSQL needs the package "pg": npm install pg', {
      cause,
    });
  }
  const { Pool } = pg.default;
  const pool = new Pool({
    connectionString,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: 'troupe',
  });
  // An idle connection that breaks is gone from the pool by then; unheard, the event would end the process.
  pool.on('error', () => {});
  const settings = Object.entries(SETTINGS).map(([name, value]) => `set ${name} = ${value}`);
  pool.on('connect', (client) => {
    // A write to a connection that was just reset fails before the promise of it is heard of: somebody has to listen by then.
    client.on('error', () => {});
    // Should it fail, so does the connection, and what is asked of it next says why.
    client.query(settings.join('; ')).catch(() => {});
  });
  return pool as unknown as OwnPool;
}

const PARSERS: Record<number, (value: string) => unknown> = {
  16: (value) => value === 't',
  20: Number,
  21: Number,
  23: Number,
  701: Number,
  1016: (value) => (value === '{}' ? [] : value.slice(1, -1).split(',').map(Number)),
  3802: (value) => JSON.parse(value),
};

const asText = (value: string) => value;

/** By the numbers of PostgreSQL's types; those that the application set for all of `pg` do not matter here. */
const types: PostgresQuery['types'] = { getTypeParser: (oid) => PARSERS[oid] ?? asText };
