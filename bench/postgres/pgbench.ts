import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireProgram } from '../../playground/servers/programs.ts';
import { SETTINGS } from '../../src/stores/postgres/schema/plpgsql.ts';

export interface PgbenchRun {
  readonly pairs: number;
  readonly perSecond: number;
  /** Of pairs, in milliseconds. */
  readonly pairMs: number;
}

/**
 * A lease and its release by pgbench, PostgreSQL's own load generator: the same functions that the store calls, prepared
 * once, one session a statement.
 */
export async function pgbench(
  { url, schema, folder }: { url: string; schema: string; folder: string },
  { clients, seconds }: { clients: number; seconds: number },
): Promise<PgbenchRun> {
  const file = join(folder, `${schema}.sql`);
  writeFileSync(
    file,
    `select place, token, fence, uses + 1 as counted, was_due - 1000000 as seen
  from ${schema}.lease_many(null, :seen::bigint, null, 60000000, 'bench', array[null]::text[]) \\gset
select n from ${schema}.release_many(null, array[:place::tid], array[:token::uuid], array[:fence::bigint],
  array[:counted::bigint], array[0]::float8[], array[0]::bigint[], array[null]::text[], '00000000-0000-0000-0000-000000000000');
`,
  );
  const args = ['-n', '-M', 'prepared', '-D', 'seen=0', '-f', file];
  args.push('-c', `${clients}`, '-j', '1', '-T', `${seconds}`, url);
  const options = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
  const env = { ...process.env, PGOPTIONS: options.join(' ') };
  const { stdout } = await promisify(execFile)(requireProgram('pgbench'), args, { env });
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(stdout);
    if (!found) throw new Error(`pgbench said something else than expected:\n${stdout}`);
    return Number(found[1]);
  };
  if (number(/number of failed transactions: (\d+)/) > 0) throw new Error(`pgbench failed:\n${stdout}`);
  return {
    pairs: number(/number of transactions actually processed: (\d+)/),
    perSecond: number(/^tps = ([\d.]+)/m),
    pairMs: number(/latency average = ([\d.]+)/),
  };
}
