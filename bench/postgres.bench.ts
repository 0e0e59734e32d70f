import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../playground/servers/postgres-server.ts';
import { Contender } from './harness/contender.ts';
import { type LoadParams, type LoadRun, type Together, together } from './harness/load.ts';
import { inRounds } from './harness/rounds.ts';
import { type Results, runSubject, type SubjectOptions } from './harness/subject.ts';
import { pgbench } from './postgres/pgbench.ts';
import { checkUses, fill, inProcesses, pairs } from './shared/contenders.ts';
import { loadTable } from './shared/load-table.ts';
import { wakeUps } from './shared/wake-ups.ts';
import { digits, median, spread, summary, thousands } from './stats.ts';

const CONCURRENT = 50;
const bareFile = new URL('postgres/bare.ts', import.meta.url);

interface Sizes {
  readonly sessions: readonly number[];
  readonly processes: readonly number[];
  readonly load: LoadParams;
  /** How long somebody's old snapshot is open. */
  readonly snapshotMs: number;
  readonly wakeUps: number;
}

const full: Sizes = {
  sessions: [1_000, 1_000_000],
  processes: [1, 2, 4],
  load: { concurrent: CONCURRENT, warmUpMs: 1_000, ms: 3_000 },
  snapshotMs: 600_000,
  wakeUps: 200,
};
const quick: Sizes = {
  sessions: [1_000],
  processes: [1, 2],
  load: { concurrent: CONCURRENT, warmUpMs: 50, ms: 950 },
  snapshotMs: 2_000,
  wakeUps: 5,
};

await runSubject('postgres', 'The PostgreSQL store', async (options, results) => {
  const sizes = options.quick ? quick : full;
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  try {
    const speeds: number[] = [];
    for (const sessions of sizes.sessions) {
      speeds.push(await throughput(folder, sessions, sizes, options, results));
    }
    const ratio = speeds[0]! / speeds.at(-1)!;
    results.target('From 1 000 to 1 000 000 sessions: at most 2×', `${digits(ratio)}×`, ratio <= 2);
  } finally {
    await rm(folder, { recursive: true });
  }
  await oldSnapshot(sizes, results);
  await using server = await startPostgres();
  await wakeUps(server.url, sizes.wakeUps, results);
});

/** Answers the pool's pairs a second. */
async function throughput(
  folder: string,
  sessions: number,
  { processes, load }: Sizes,
  { rounds, profileDir }: SubjectOptions,
  results: Results,
): Promise<number> {
  await using server = await startPostgres();
  const [url, bareUrl] = [`${server.url}?schema=pool`, `${server.url}?schema=bare`];
  await fill(url, sessions);
  await fill(bareUrl, sessions);
  const bytes = (await schemaBytes(server.url, 'pool')) / sessions;
  const bare = { url: server.url, schema: 'bare', folder };
  const seconds = Math.ceil((load.warmUpMs + load.ms) / 1_000);
  const byPgbench = (clients: number) => async (): Promise<Together> => {
    const run = await pgbench(bare, { clients, seconds });
    return { ...run, p50: Number.NaN, p99: Number.NaN, stallMs: 0 };
  };
  await using node = new Contender(bareFile);
  await node.ask('open', { url: server.url });
  const [one, many, single] = ['pgbench, 1 client', `pgbench, ${CONCURRENT} clients`, 'store, one at a time'];

  const samples = await inRounds<string, Together>(rounds, {
    [one]: byPgbench(1),
    [many]: byPgbench(CONCURRENT),
    "the same by Node's pg, one at a time": async () =>
      together([await node.ask<LoadRun>('pairs', { ...load, schema: 'bare' })]),
    [single]: () => pairs(url, 1, 'store', { ...load, concurrent: 1 }, profileDir),
    [inProcesses('store', 1)]: () => pairs(url, 1, 'store', load, profileDir),
    ...Object.fromEntries(
      processes.map((count) => [
        inProcesses('pool', count),
        () => pairs(url, count, 'pool', load, profileDir),
      ]),
    ),
  });
  const ours = Object.entries(samples).filter(([name]) => /^(store|pool)/.test(name));
  await checkUses(
    url,
    ours.flatMap(([, all]) => all),
  );

  results.table(
    loadTable(
      `${thousands(sessions)} sessions`,
      [
        `Lease and release, ${CONCURRENT} at once in each process; bodies of 1 KB, not changed. \`pool\` is \`acquire()\`, \`markGood()\`, \`release()\`; \`store\``,
        `the two calls of the store; pgbench runs the same two functions of the schema, prepared, without gathering them. The server runs without`,
        `fsync, so that it is measured and not this machine's disk. ${thousands(bytes)} bytes of tables and indexes a session.`,
      ].join('\n'),
      samples,
    ),
  );
  const perSecond = (name: string) => median(samples[name]!.map((sample) => sample.perSecond));
  const against = (name: string) => `${digits(perSecond(name))} against ${digits(perSecond(one))} pairs/s`;
  const alone = perSecond(single) / perSecond(one);
  results.target(
    `${thousands(sessions)} sessions, one at a time: at least 90 % of pgbench`,
    `${Math.round(alone * 100)} % (${against(single)})`,
    alone >= 0.9,
  );
  const pool = inProcesses('pool', 1);
  const gathered = perSecond(pool) / perSecond(one);
  results.target(
    `${thousands(sessions)} sessions, the pool, gathered: at least 3× pgbench one by one`,
    `${digits(gathered)}× (${against(pool)})`,
    gathered >= 3,
  );
  return perSecond(pool);
}

/**
 * Somebody's backup: as long as it lasts, no row's old versions can be cleared away. Beside it a database of the same server
 * without one: by turns, so that both have the same machine.
 */
async function oldSnapshot({ load, snapshotMs }: Sizes, results: Results): Promise<void> {
  await using server = await startPostgres();
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query('create database control');
  const control = Object.assign(new URL(server.url), { pathname: '/control' }).href;
  for (const url of [server.url, control]) await fill(url, 1_000);
  await client.query('begin isolation level repeatable read');
  await client.query('select count(*) from troupe.session');
  await pairs(server.url, 1, 'pool', { concurrent: CONCURRENT, warmUpMs: 0, ms: snapshotMs });
  const samples = await inRounds<'with' | 'without', Together>(5, {
    without: () => pairs(control, 1, 'pool', load),
    with: () => pairs(server.url, 1, 'pool', load),
  });
  await client.query('commit');
  await client.end();
  const speeds = (name: 'with' | 'without') => samples[name].map(({ perSecond }) => perSecond);
  const [without, during] = [speeds('without'), speeds('with')];
  const cost = 1 - median(during.map((speed, round) => speed / without[round]!));
  const lasted = snapshotMs >= 60_000 ? `${snapshotMs / 60_000} minutes` : `${snapshotMs / 1_000} seconds`;
  results.table({
    title: `With somebody's old snapshot open`,
    note: `1 000 sessions, one process, ${CONCURRENT} at once: after a snapshot had been open for ${lasted} of uses, all the time; and in a database of the same server without one, by turns.`,
    columns: ['', 'pairs/s'],
    rows: [
      ['without', spread(summary(without))],
      [`after ${lasted}`, spread(summary(during))],
    ],
  });
  results.target(
    `${lasted} with an old snapshot open cost at most 20 %`,
    `${Math.round(cost * 100)} %`,
    cost <= 0.2,
  );
}

async function schemaBytes(url: string, schema: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(
    'select sum(pg_total_relation_size(c.oid)) as bytes from pg_class c where relnamespace = $1::regnamespace and relkind = $2',
    [schema, 'r'],
  );
  await client.end();
  return Number(rows[0].bytes);
}
