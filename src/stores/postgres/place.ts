import { OptionError } from '../../errors.ts';
import { fail } from '../../internal/options.ts';
import { type OwnPool, openPool, type PostgresPool } from './postgres-driver.ts';

const DEFAULT_SCHEMA = 'troupe';

/** Where a store's schema is, and how to reach it. */
export interface Place {
  readonly schema: string;
  /** Host, port and database, for messages. */
  readonly where: string;
  openPool(): Promise<{ pool: PostgresPool; own: OwnPool | undefined }>;
}

/** Where the options say that the store is. Nothing that it says ever holds a password. */
export function placeOf({
  url,
  pool,
  schema,
}: {
  url?: string | undefined;
  pool?: PostgresPool | undefined;
  schema?: string | undefined;
}): Place {
  if ((url === undefined) === (pool === undefined)) {
    throw new OptionError('url', 'a store on PostgreSQL needs either the option "url" or the option "pool"');
  }
  if (pool !== undefined) {
    const opened = { pool, own: undefined };
    return { schema: schema ?? DEFAULT_SCHEMA, where: 'the given pool', openPool: async () => opened };
  }
  const parsed = parse(url!);
  const schemaOfUrl = parsed.searchParams.get('schema') ?? undefined;
  if (schemaOfUrl !== undefined) checkSchema(schemaOfUrl, 'schema');
  // The rest is for `pg`.
  parsed.searchParams.delete('schema');
  return {
    schema: schema ?? schemaOfUrl ?? DEFAULT_SCHEMA,
    where: `${parsed.host}${parsed.pathname}`,
    openPool: async () => {
      const own = await openPool(parsed.href);
      return { pool: own, own };
    },
  };
}

function parse(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed && /^postgres(ql)?:$/.test(parsed.protocol) && parsed.host !== '') return parsed;
  throw new OptionError(
    'url',
    'the URL of a store on PostgreSQL must be like postgres://user:password@host:5432/database; signs such as "@" or "/" in a password are written as %40 or %2F',
  );
}

export function checkSchema(value: unknown, path: string): void {
  const isName = typeof value === 'string' && /^(?!pg_)[a-z_]\w{0,49}$/i.test(value);
  if (!isName) fail(path, 'a name of letters, digits and underscores, at most 50', value);
}
