import { createClient } from 'redis';
import { startRedis } from '../playground/servers/redis-server.ts';
import { scripts } from '../src/stores/redis/scripts.ts';
import { Contender } from './harness/contender.ts';
import { type LoadParams, type LoadRun, type Together, together } from './harness/load.ts';
import { inRounds } from './harness/rounds.ts';
import { type Results, runSubject, type SubjectOptions } from './harness/subject.ts';
import { checkUses, fill, inProcesses, pairs, storeFile } from './shared/contenders.ts';
import { loadTable } from './shared/load-table.ts';
import { wakeUps } from './shared/wake-ups.ts';
import { digits, latency, median, spread, summary, thousands } from './stats.ts';
import type { BeyondBanned } from './stores/store.ts';

const CONCURRENT = 50;
/** What the store comes to with so many at once: half of them wait for the one script while the other half is on its way. */
const TOGETHER = 25;
const bareFile = new URL('redis/bare.ts', import.meta.url);
/** As the guide recommends it for production. */
const CONFIG = ['--appendonly', 'yes', '--appendfsync', 'everysec'];

/** What was seen of the queue for a site. To ask for all fields would leave the server garbage to collect in what is measured. */
const FORGET = `
local number = redis.call('HGET', KEYS[1], 's' .. ARGV[1])
redis.call('HDEL', KEYS[1], 'c' .. number)`;

interface Sizes {
  readonly sessions: readonly number[];
  readonly processes: readonly number[];
  readonly load: LoadParams;
  readonly banned: number;
  readonly wakeUps: number;
}

const full: Sizes = {
  sessions: [1_000, 1_000_000],
  processes: [1, 2, 4],
  load: { concurrent: CONCURRENT, warmUpMs: 1_000, ms: 2_000 },
  banned: 100_000,
  wakeUps: 200,
};
const quick: Sizes = {
  sessions: [1_000],
  processes: [1, 2],
  load: { concurrent: CONCURRENT, warmUpMs: 50, ms: 200 },
  banned: 2_000,
  wakeUps: 5,
};

await runSubject('redis', 'The Redis store', async (options, results) => {
  const sizes = options.quick ? quick : full;
  for (const sessions of sizes.sessions) await throughput(sessions, sizes, options, results);
  await beyondBanned(sizes, options, results);
  await using server = await startRedis({ config: CONFIG });
  await wakeUps(server.url, sizes.wakeUps, results);
});

async function throughput(
  sessions: number,
  { processes, load }: Sizes,
  { rounds, profileDir }: SubjectOptions,
  results: Results,
): Promise<void> {
  await using server = await startRedis({ config: CONFIG });
  const [url, bareUrl] = [`${server.url}?pool=pool`, `${server.url}?pool=bare`];
  const before = await usedMemory(server.url);
  await fill(url, sessions);
  const bytes = ((await usedMemory(server.url)) - before) / sessions;
  await fill(bareUrl, sessions);
  await using bare = new Contender(bareFile);
  await bare.ask('open', { url: server.url });
  const byOne =
    (question: string, more: object = {}) =>
    async () =>
      together([await bare.ask<LoadRun>(question, { ...load, ...more })]);
  const trivial = 'trivial scripts, 2 a pair';
  const ownScripts = `our scripts bare, ${TOGETHER} leases or releases a call`;

  const samples = await inRounds<string, Together>(rounds, {
    [trivial]: byOne('trivial'),
    'our scripts bare, 1 lease or release a call': byOne('scripts', { pool: 'bare', together: 1 }),
    [ownScripts]: byOne('scripts', { pool: 'bare', together: TOGETHER }),
    [inProcesses('store', 1)]: () => pairs(url, 1, 'store', load, profileDir),
    ...Object.fromEntries(
      processes.map((count) => [
        inProcesses('pool', count),
        () => pairs(url, count, 'pool', load, profileDir),
      ]),
    ),
  });
  const stored = Object.entries(samples).filter(([name]) => /^(store|pool)/.test(name));
  await checkUses(
    url,
    stored.flatMap(([, all]) => all),
  );

  results.table(
    loadTable(
      `${thousands(sessions)} sessions`,
      [
        `Lease and release, ${CONCURRENT} at once in each process; bodies of 1 KB, not changed. \`pool\` is \`acquire()\`, \`markGood()\`, \`release()\`; \`store\``,
        `the two calls of the store. Redis appends to its file and syncs it every second. ${thousands(bytes)} bytes of its memory a session.`,
      ].join('\n'),
      samples,
    ),
  );
  const perSecond = (name: string) => median(samples[name]!.map((sample) => sample.perSecond));
  for (const who of ['store', 'pool']) {
    const ours = perSecond(inProcesses(who, 1));
    for (const [of, name, least] of [
      ['our scripts called bare, gathered as the store does', ownScripts, 0.85],
      ['trivial scripts', trivial, 0.5],
    ] as const) {
      const ratio = ours / perSecond(name);
      const measured = `${Math.round(ratio * 100)} % (${digits(ours)} against ${digits(perSecond(name))} pairs/s)`;
      const text = `${thousands(sessions)} sessions, the ${who}: at least ${least * 100} % of ${of}`;
      results.target(text, measured, ratio >= least);
    }
  }
}

/** How long the server does nothing else while it looks for a session beyond those that are banned. */
async function beyondBanned({ banned }: Sizes, { rounds }: SubjectOptions, results: Results): Promise<void> {
  await using server = await startRedis({ config: CONFIG });
  // Nine of ten are banned, and stand first in the queue.
  const sessions = Math.ceil(banned / 0.9 / 10) * 10;
  await fill(server.url, sessions);
  await using banning = new Contender(storeFile);
  await banning.ask('open', { url: server.url });
  await banning.ask('ban', { sessions });
  await banning.ask('close');
  const client = createClient({ url: server.url });
  await client.connect();
  await client.configSet({ 'slowlog-log-slower-than': '0', 'slowlog-max-len': '100000' });
  const longest: number[] = [];
  const usual: number[] = [];
  const first: BeyondBanned[] = [];
  for (let round = 0; round < Math.max(rounds, 3); round++) {
    // What earlier leases saw of the queue is forgotten.
    await client.sendCommand(['EVAL', FORGET, '1', 'troupe:{troupe}:data', 'shop.test']);
    await client.sendCommand(['SLOWLOG', 'RESET']);
    await using store = new Contender(storeFile);
    await store.ask('open', { url: server.url });
    first.push(await store.ask<BeyondBanned>('leaseBeyondBanned', { uses: 2_000 }));
    await store.ask('close');
    const entries = await client.sendCommand<[number, number, number, string[]][]>(['SLOWLOG', 'GET', '-1']);
    const ofLeases = entries.filter(([, , , command]) => command[1] === scripts.lease.sha);
    const { p99, max } = latency(ofLeases.map(([, , micros]) => micros / 1_000));
    usual.push(p99);
    longest.push(max);
  }
  client.destroy();
  const of = (values: readonly number[]) => spread(summary(values));
  results.table({
    title: `${thousands(Math.round(sessions * 0.9))} of ${thousands(sessions)} sessions banned from the asked site`,
    note: 'The banned are first in the queue. How long scripts took is by the slow log of the server: those that found the way, in steps, and 2 000 leases after.',
    columns: ['', 'ms'],
    rows: [
      ['the script of a lease, p99', of(usual)],
      ['… the longest', of(longest)],
      ['the first lease, that finds the way', of(first.map(({ warmMs }) => warmMs))],
      ['… calls of `lease` it took', of(first.map(({ calls }) => calls))],
      ['later leases, p50', of(first.map(({ lease }) => lease.p50))],
      ['… p99', of(first.map(({ lease }) => lease.p99))],
    ],
  });
  results.target(
    `A lease beyond ${thousands(banned)} banned blocks the server under 1 ms`,
    `${digits(median(usual))} ms at p99, ${digits(median(longest))} ms at the most`,
    median(longest) < 1,
  );
}

async function usedMemory(url: string): Promise<number> {
  const client = createClient({ url });
  await client.connect();
  const info = await client.info('memory');
  client.destroy();
  return Number(/^used_memory:(\d+)/m.exec(info)![1]);
}
