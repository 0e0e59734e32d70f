import { crc32 } from 'node:zlib';
import { StoreError } from '../../errors.ts';
import type { Place } from './place.ts';
import type { PostgresClient } from './postgres-driver.ts';
import { codeOf } from './postgres-errors.ts';
import { LOCK_CLASS } from './schema/counters.ts';
import { functions, migrations } from './schema/migrations.ts';

const OLDEST_SERVER = 13;

/**
 * Brings the schema to this version, or refuses it and leaves it as it is. What it finds is looked at again under a
 * lock: two processes may open the same database at once.
 */
export async function migrate(client: PostgresClient, place: Place): Promise<void> {
  checkServer(await serverVersion(client), place.where);
  if ((await look(client, place)) === migrations.length) return;
  await client.query('begin');
  try {
    await client.query(`select pg_advisory_xact_lock(${LOCK_CLASS}, ${crc32(place.schema) | 0})`);
    const version = await look(client, place);
    if (version < migrations.length) await run(client, place, version);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    if (codeOf(error) !== '42501') throw error;
    throw new StoreError(
      'STORE_UNUSABLE',
      `PostgreSQL at ${place.where}: this user may not make the schema "${place.schema}" or tables in it; let somebody who may run: create schema ${quoted(place.schema)} authorization THE_USER`,
      { cause: error },
    );
  }
}

async function run(client: PostgresClient, place: Place, version: number): Promise<void> {
  const name = quoted(place.schema);
  const [{ exists }] = (await client
    .query(`select to_regnamespace('${name}') is not null as exists`)
    .then(({ rows }) => rows)) as [{ exists: boolean }];
  if (!exists) await client.query(`create schema ${name}`);
  await client.query(
    `create table if not exists ${name}.troupe_migration (version integer primary key, run_at timestamptz not null default now())`,
  );
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    await client.query(inSchema(migration, place.schema));
    await client.query(`insert into ${name}.troupe_migration values (${index + 1})`);
  }
  await remakeFunctions(client, place.schema);
}

/** Those of the version before go, since what a function returns cannot be changed. */
async function remakeFunctions(client: PostgresClient, schema: string): Promise<void> {
  const names = functions.map((text) => text.match(/create function troupe\.(\w+)/)![1]);
  const { rows } = await client.query(
    `select oid::regprocedure::text as name from pg_proc
      where pronamespace = to_regnamespace('${quoted(schema)}') and proname in ('${names.join("','")}')`,
  );
  for (const { name } of rows as { name: string }[]) await client.query(`drop function ${name}`);
  await client.query(inSchema(functions.join('\n'), schema));
}

/** The version that the schema has; 0 where there is nothing yet. */
async function look(client: PostgresClient, { schema, where }: Place): Promise<number> {
  const name = quoted(schema);
  const { rows } = await client.query(`
    select to_regclass('${name}.troupe_migration') is not null as is_ours,
           exists (select from pg_class where relnamespace = to_regnamespace('${name}')) as has_tables`);
  const { is_ours: isOurs, has_tables: hasTables } = rows[0] as { is_ours: boolean; has_tables: boolean };
  if (!isOurs && !hasTables) return 0;
  if (!isOurs) {
    throw new StoreError(
      'STORE_UNUSABLE',
      `PostgreSQL at ${where}: the schema "${schema}" holds tables of another application; name another (option "schema"), it was left untouched`,
    );
  }
  const { rows: versions } = await client.query(
    `select coalesce(max(version), 0) as version from ${name}.troupe_migration`,
  );
  const { version } = versions[0] as { version: number };
  if (version > migrations.length) {
    throw new StoreError(
      'STORE_UNUSABLE',
      `PostgreSQL at ${where}: the schema "${schema}" was written by a newer troupe (version ${version}; this one knows ${migrations.length}); update troupe, it was left untouched`,
    );
  }
  return version;
}

async function serverVersion(client: PostgresClient): Promise<string> {
  const { rows } = await client.query(`select current_setting('server_version_num') as version`);
  return (rows[0] as { version: string }).version;
}

/** `version` as the server says it: 130004 is 13.4. */
export function checkServer(version: string, where: string): void {
  const major = Math.floor(Number(version) / 10_000);
  if (major >= OLDEST_SERVER) return;
  throw new StoreError(
    'STORE_UNUSABLE',
    `PostgreSQL at ${where} is version ${major}; troupe needs ${OLDEST_SERVER} or newer`,
  );
}

/** SQL as it is written here, for a schema of another name. */
export function inSchema(sql: string, schema: string): string {
  return sql.replaceAll('troupe.', `${quoted(schema)}.`);
}

function quoted(identifier: string): string {
  return `"${identifier}"`;
}
