import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contender } from './harness/contender.ts';
import { type LoadParams, type LoadRun, type Together, together } from './harness/load.ts';
import { inRounds } from './harness/rounds.ts';
import { type Results, runSubject, type SubjectOptions, verify } from './harness/subject.ts';
import { inProcesses } from './shared/contenders.ts';
import { digits, median, spread, summary, thousands } from './stats.ts';
import type { BeyondBanned } from './stores/store.ts';

const CONCURRENT = 50;
const storeFile = new URL('stores/store.ts', import.meta.url);
const bareFile = new URL('sqlite/bare.ts', import.meta.url);

/** Sizes of a full run and of a quick one. */
interface Sizes {
  readonly sessions: number;
  readonly processes: readonly number[];
  readonly load: LoadParams;
  readonly pools: readonly number[];
  readonly stored: number;
}

const full: Sizes = {
  sessions: 10_000,
  processes: [1, 2, 4, 8],
  load: { concurrent: CONCURRENT, warmUpMs: 2_000, ms: 2_000 },
  pools: [1_000, 10_000],
  stored: 1_000_000,
};
const quick: Sizes = {
  sessions: 1_000,
  processes: [1, 2],
  load: { concurrent: CONCURRENT, warmUpMs: 50, ms: 200 },
  pools: [200],
  stored: 10_000,
};

await runSubject('sqlite', 'The SQLite store', async (options, results) => {
  const sizes = options.quick ? quick : full;
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  try {
    await throughput(folder, sizes, options, results);
    await wholePool(folder, sizes, options, results);
    await manyStored(folder, sizes, options, results);
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function throughput(
  folder: string,
  { sessions, processes, load }: Sizes,
  { rounds, profileDir }: SubjectOptions,
  results: Results,
): Promise<void> {
  const [storePath, barePath] = [join(folder, 'store.db'), join(folder, 'bare.db')];
  await build(storePath, sessions);
  await build(barePath, sessions);
  await using bare = new Contender(bareFile);
  await bare.ask('open', { path: barePath });

  const bySingle = (question: string) => async () => together([await bare.ask<LoadRun>(question, load)]);
  const byStores =
    (count: number, question: string, more: object = {}) =>
    async () => {
      const stores = Array.from({ length: count }, () => new Contender(storeFile, { profileDir }));
      try {
        await Promise.all(stores.map((store) => store.ask('open', { url: `sqlite:${storePath}` })));
        return together(
          await Promise.all(stores.map((store) => store.ask<LoadRun>(question, { ...load, ...more }))),
        );
      } finally {
        for (const store of stores) await store.ask('close');
        await Promise.all(stores.map((store) => store.close()));
      }
    };
  const most = processes.at(-1)!;
  const samples = await inRounds<string, Together>(rounds, {
    'bare statements, one by one': bySingle('oneByOne'),
    [`bare statements, ${CONCURRENT} a transaction`]: bySingle('batched'),
    ...Object.fromEntries(
      processes.map((count) => [inProcesses('store', count), byStores(count, 'pairs', { isChanged: false })]),
    ),
    'store, 1 process, a new body each time': byStores(1, 'pairs', { isChanged: true }),
    [`no store, ${most} processes busy with nothing`]: byStores(most, 'idle'),
  });
  await checkUses(storePath, samples);

  results.table({
    title: `Lease and release, ${CONCURRENT} at once in each process`,
    note: [
      `${thousands(sessions)} sessions with bodies of 1 KB; a release counts the use and is acknowledged after its commit. Latencies are of`,
      'single calls, in milliseconds; p99 and the longest stall of the event loop are those of the process that fared worst. The last',
      `row shows what ${most} processes cost each other on this machine without any store.`,
    ].join('\n'),
    columns: ['', 'pairs/s in all', 'p50 ms', 'p99 ms', 'longest stall ms'],
    rows: Object.entries(samples).map(([name, all]) => {
      const of = (value: (sample: Together) => number) => spread(summary(all.map(value)));
      const speed = name.startsWith('no store') ? '—' : of(({ perSecond }) => perSecond);
      return [name, speed, of(({ p50 }) => p50), of(({ p99 }) => p99), of(({ stallMs }) => stallMs)];
    }),
  });

  const one = samples[inProcesses('store', 1)]!;
  const all = samples[inProcesses('store', most)]!;
  const perSecond = (from: readonly Together[]) => median(from.map((sample) => sample.perSecond));
  results.target(
    'The store alone: at least 40 000 pairs/s',
    `${digits(perSecond(one))}/s`,
    perSecond(one) >= 40_000,
  );
  results.target(
    'In all with 8 processes: at least 30 000 pairs/s',
    `${digits(perSecond(all))}/s`,
    perSecond(all) >= 30_000,
  );
  for (const [label, sample] of [
    ['1 process', one],
    ['8 processes', all],
  ] as const) {
    const stall = median(sample.map(({ stallMs }) => stallMs));
    const p99 = median(sample.map((run) => run.p99));
    results.target(`Event-loop stall, ${label}: at most 50 ms`, `${digits(stall)} ms`, stall <= 50);
    results.target(`p99 when saturated, ${label}: at most 200 ms`, `${digits(p99)} ms`, p99 <= 200);
  }
}

/** Every acknowledged release is in the file. */
async function checkUses(path: string, samples: Record<string, readonly Together[]>): Promise<void> {
  const acknowledged = Object.entries(samples)
    .filter(([name]) => name.startsWith('store'))
    .flatMap(([, all]) => all)
    .reduce((sum, { pairs }) => sum + pairs, 0);
  await using store = new Contender(storeFile);
  await store.ask('open', { url: `sqlite:${path}` });
  const stored = await store.ask<number>('storeUses');
  verify(stored === acknowledged, `${stored} uses are stored of ${acknowledged}`);
}

async function wholePool(
  folder: string,
  { pools, load }: Sizes,
  { rounds, profileDir }: SubjectOptions,
  results: Results,
): Promise<void> {
  const contenders = new Map<number, Contender>();
  try {
    for (const sessions of pools) {
      const contender = new Contender(storeFile, { profileDir });
      contenders.set(sessions, contender);
      await contender.ask('openPool', { url: `sqlite:${join(folder, `pool-${sessions}.db`)}`, sessions });
    }
    const samples = await inRounds<string, LoadRun>(
      rounds,
      Object.fromEntries(
        [...contenders].map(([sessions, contender]) => [
          `${sessions}`,
          () => contender.ask<LoadRun>('uses', load),
        ]),
      ),
    );
    for (const [sessions, contender] of contenders) {
      const uses = samples[`${sessions}`]!.reduce((sum, { pairs }) => sum + pairs, 0);
      const counted = await contender.ask<number>('poolUses');
      verify(counted === uses, `${counted} uses are stored of ${uses}`);
    }
    const of = (all: readonly LoadRun[], value: (run: LoadRun) => number) => spread(summary(all.map(value)));
    results.table({
      title: `The whole pool: acquire, set 10 cookies, markGood, release, ${CONCURRENT} at once`,
      note: 'In one process. A pool remembers the bodies of 1 000 sessions; with more than that each use decodes one.',
      columns: ['sessions', 'uses/s', 'p50 ms', 'p99 ms', 'longest stall ms'],
      rows: Object.entries(samples).map(([sessions, all]) => [
        thousands(Number(sessions)),
        of(all, (run) => run.perSecond),
        of(all, (run) => run.latency.p50),
        of(all, (run) => run.latency.p99),
        of(all, (run) => run.stallMs),
      ]),
    });
    const perSecond = median(samples[`${pools[0]}`]!.map((run) => run.perSecond));
    results.target(
      'The whole pool, 10 changed cookies a use: at least 8 000/s',
      `${digits(perSecond)}/s`,
      perSecond >= 8_000,
    );
  } finally {
    await Promise.all([...contenders.values()].map((contender) => contender.close()));
  }
}

interface Opening {
  readonly openMs: number;
  readonly leaseMs: number;
}

async function manyStored(
  folder: string,
  { stored }: Sizes,
  { rounds }: SubjectOptions,
  results: Results,
): Promise<void> {
  const path = join(folder, 'many.db');
  const buildStart = performance.now();
  await build(path, stored);
  const buildMs = performance.now() - buildStart;
  const { size } = await stat(path);

  const openings: Opening[] = [];
  for (let round = 0; round < rounds; round++) {
    await using store = new Contender(storeFile);
    openings.push(await store.ask<Opening>('timeToOpen', { url: `sqlite:${path}`, sessions: stored }));
    await store.ask('close');
  }

  const banStart = performance.now();
  await using banning = new Contender(storeFile);
  await banning.ask('open', { url: `sqlite:${path}` });
  await banning.ask('ban', { sessions: stored });
  await banning.ask('close');
  const banMs = performance.now() - banStart;

  const beyond: BeyondBanned[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    await using store = new Contender(storeFile);
    await store.ask('open', { url: `sqlite:${path}` });
    beyond.push(await store.ask<BeyondBanned>('leaseBeyondBanned', { uses: 5_000 }));
    await store.ask('close');
  }

  const of = (values: readonly number[]) => spread(summary(values));
  const banned = thousands(stored * 0.9);
  results.table({
    title: `${thousands(stored)} stored sessions`,
    note: [
      `With bodies of 1 KB, a file of ${digits(size / 2 ** 20)} MiB, in the system's cache; each sample in a new process. Added by \`store.add\` in`,
      `${digits(buildMs / 1_000)} s; ${banned} banned from a site by leases and releases in ${digits(banMs / 1_000)} s, and those are first in the queue.`,
    ].join('\n'),
    columns: ['', 'ms'],
    rows: [
      ['open', of(openings.map(({ openMs }) => openMs))],
      ['open, and lease the first session', of(openings.map(({ leaseMs }) => leaseMs))],
      [`the first lease for the site, beyond ${banned} banned`, of(beyond.map(({ warmMs }) => warmMs))],
      ['… the longest stall meanwhile', of(beyond.map(({ stallMs }) => stallMs))],
      ['… calls of `lease` it took', of(beyond.map(({ calls }) => calls))],
      ['later leases for the site, p50', of(beyond.map(({ lease }) => lease.p50))],
      ['… p99', of(beyond.map(({ lease }) => lease.p99))],
    ],
  });
  const open = median(openings.map(({ openMs }) => openMs));
  const lease = median(beyond.map((sample) => sample.lease.p50));
  const p99 = median(beyond.map((sample) => sample.lease.p99));
  const stall = Math.max(...beyond.map(({ stallMs }) => stallMs));
  results.target('1 000 000 stored sessions open in under 100 ms', `${digits(open)} ms`, open < 100);
  results.target(
    'A lease with 900 000 of 1 000 000 banned, once warm: under 1 ms',
    `${digits(lease)} ms (p99 ${digits(p99)} ms)`,
    lease < 1,
  );
  results.target('No event-loop stall over 50 ms while that warms', `${digits(stall)} ms`, stall <= 50);
}

async function build(path: string, sessions: number): Promise<void> {
  await using store = new Contender(storeFile);
  await store.ask('open', { url: `sqlite:${path}` });
  await store.ask('add', { sessions });
  await store.ask('close');
}
