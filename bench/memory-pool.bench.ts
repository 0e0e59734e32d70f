import { Contender } from './harness/contender.ts';
import { inRounds, type Measurement } from './harness/rounds.ts';
import { type Results, runSubject, type SubjectOptions } from './harness/subject.ts';
import { digits, median, spread, summary, thousands, times } from './stats.ts';

const troupeFile = new URL('memory-pool/troupe.ts', import.meta.url);
const crawleeFile = new URL('memory-pool/crawlee.ts', import.meta.url);
const resourceFile = new URL('memory-pool/resource-pools.ts', import.meta.url);

/** Crawlee makes so many sessions a sample; at 0.2 ms each, more would only take longer. */
const CREATED_BY_CRAWLEE = 5_000;
const CREATED_BY_TROUPE = 50_000;
/** From this size on Crawlee's pool is filled without its checks of arguments, and generic-pool is left out. */
const HUGE = 500_000;

/** Nanoseconds, by what was measured. */
type Samples = Record<string, number[]>;

await runSubject('memory-pool', 'The pool in memory', async (options, results) => {
  const sizes = options.quick ? [200, 2_000] : [1_000, 100_000, 1_000_000];
  const bySize = new Map<number, Samples>();
  for (const size of sizes) {
    const samples = { ...(await cycles(size, options)), ...(await specialCases(size, options)) };
    bySize.set(size, samples);
    sizeTable(size, samples, results);
  }
  const heap = await heapPerSession(options, sizes);
  heapTable(heap, results);
  judge(bySize, heap, sizes, results);
});

/** The same pool through all its phases, against its peers. */
async function cycles(size: number, { quick, rounds, profileDir }: SubjectOptions): Promise<Samples> {
  const uses = quick ? 5_000 : Math.max(400_000, size);
  const slowUses = quick ? 1_000 : 20_000;
  await using troupe = new Contender(troupeFile, { profileDir });
  await using crawlee = new Contender(crawleeFile);
  await using tarn = new Contender(resourceFile);
  await using generic = new Contender(resourceFile);

  await crawlee.ask('create', { size, sample: 500 });
  const created = await inRounds(size > HUGE ? Math.min(rounds, 3) : rounds, {
    'troupe create': () => troupe.ask<number>('create', { size, atLeast: quick ? size : CREATED_BY_TROUPE }),
    'crawlee create': () => crawlee.ask<number>('create', { size, sample: CREATED_BY_CRAWLEE }),
  });

  const hasGeneric = size < HUGE;
  const hasTarn = size <= 10_000;
  await Promise.all([
    troupe.ask('open', { size }),
    crawlee.ask('open', { size, isUnchecked: size > HUGE }),
    hasTarn && tarn.ask('open', { name: 'tarn', size }),
    hasGeneric && generic.ask('open', { name: 'generic-pool', size }),
  ]);
  const resources: Record<string, Measurement<number>> = {};
  if (hasTarn) resources['tarn use'] = () => tarn.ask<number>('use', { uses });
  if (hasGeneric) resources['generic-pool use'] = () => generic.ask<number>('use', { uses });
  // Once before it counts, so that V8 has seen the code.
  for (const contender of [troupe, crawlee, ...(hasTarn ? [tarn] : []), ...(hasGeneric ? [generic] : [])]) {
    await contender.ask('use', { uses: slowUses });
  }
  const inOrder = await inRounds(rounds, {
    'troupe use': () => troupe.ask<number>('use', { uses }),
    'crawlee use': () => crawlee.ask<number>('use', { uses }),
    ...resources,
  });
  await troupe.ask('shuffle');
  const shuffled = await inRounds(rounds, {
    'troupe use shuffled': () => troupe.ask<number>('use', { uses }),
    'crawlee use shuffled': () => crawlee.ask<number>('use', { uses }),
  });
  await troupe.ask('check', { size });
  await crawlee.ask('check', { size });
  if (hasTarn) await tarn.ask('check');
  if (hasGeneric) await generic.ask('check');

  const retiring = await inRounds(rounds, {
    'troupe retire': () => troupe.ask<number>('useAndRetire', { uses }),
    'crawlee retire': () => crawlee.ask<number>('useAndRetire', { uses: slowUses }),
  });
  await troupe.ask('check', { size });
  await crawlee.ask('check', { size });
  return { ...created, ...inOrder, ...shuffled, ...retiring };
}

/** What no peer has: most of the pool retired, or banned from the asked site. */
async function specialCases(size: number, { quick, rounds, profileDir }: SubjectOptions): Promise<Samples> {
  const uses = quick ? 5_000 : 400_000;
  await using untilFailure = new Contender(troupeFile, { profileDir });
  await using banned = new Contender(troupeFile, { profileDir });
  await untilFailure.ask('openUntilFailure', { size });
  const warming = await banned.ask<{ longestMs: number }>('openBanned', { size });
  await Promise.all([untilFailure.ask('use', { uses: 5_000 }), banned.ask('useAtSite', { uses: 5_000 })]);
  const samples = await inRounds(rounds, {
    'troupe until failure': () => untilFailure.ask<number>('use', { uses }),
    'troupe banned': () => banned.ask<number>('useAtSite', { uses }),
  });
  return { ...samples, 'troupe warming': [warming.longestMs * 1e6] };
}

interface Heap {
  readonly troupe: Record<number, number>;
  readonly crawlee: Record<number, number>;
}

async function heapPerSession({ quick }: SubjectOptions, sizes: readonly number[]): Promise<Heap> {
  const heap: Heap = { troupe: {}, crawlee: {} };
  for (const size of sizes.slice(-2)) {
    await using troupe = new Contender(troupeFile);
    heap.troupe[size] = await troupe.ask<number>('heap', { size });
  }
  const small = quick ? sizes[0]! : 20_000;
  await using crawlee = new Contender(crawleeFile);
  heap.crawlee[small] = await crawlee.ask<number>('heap', { size: small });
  return heap;
}

function sizeTable(size: number, samples: Samples, results: Results): void {
  const row = (label: string, ours: string, ...peers: (string | undefined)[]): string[] => {
    const theirs = samples[peers[0] ?? ''];
    const mine = samples[ours]!;
    const ratio = theirs ? times(median(mine) / median(theirs)) : '—';
    return [
      label,
      micro(mine),
      micro(theirs),
      ratio,
      micro(samples[peers[1] ?? '']),
      micro(samples[peers[2] ?? '']),
    ];
  };
  results.table({
    title: `${thousands(size)} sessions`,
    note: [
      'Microseconds each, one at a time. A use is acquire, markGood, release (troupe), getSession, markGood (Crawlee: it does not',
      'lease), acquire, release (tarn, generic-pool: they do not mark). Shuffled: the order of use is not that of memory; Crawlee',
      size > HUGE
        ? 'always draws by chance. Crawlee was filled without its checks of arguments.'
        : 'always draws by chance.',
    ].join('\n'),
    columns: ['', 'troupe', 'Crawlee', 'troupe / Crawlee', 'tarn', 'generic-pool'],
    rows: [
      row('make a session', 'troupe create', 'crawlee create'),
      row('use, in order', 'troupe use', 'crawlee use', 'tarn use', 'generic-pool use'),
      row('use, shuffled', 'troupe use shuffled', 'crawlee use shuffled'),
      row('use, every 10th retired and replaced', 'troupe retire', 'crawlee retire'),
      row('use until failure, all but one retired', 'troupe until failure'),
      row('use, 90 % banned from the asked site', 'troupe banned'),
      row('the longest acquire while that warmed', 'troupe warming'),
    ],
  });
}

function heapTable(heap: Heap, results: Results): void {
  results.table({
    title: 'Heap per idle session',
    note: 'Bytes of heap and of buffers outside it, after garbage collection; sessions with default options and without cookies.',
    columns: ['', 'sessions', 'bytes each'],
    rows: Object.entries(heap).flatMap(([name, bySize]) =>
      Object.entries(bySize as Record<string, number>).map(([size, bytes]) => [
        name === 'crawlee' ? 'Crawlee' : name,
        thousands(Number(size)),
        thousands(bytes),
      ]),
    ),
  });
}

function judge(bySize: Map<number, Samples>, heap: Heap, sizes: readonly number[], results: Results): void {
  const small = bySize.get(sizes[0]!)!;
  const large = bySize.get(sizes.at(-1)!)!;
  const atMost = (text: string, ratio: number, limit: number, detail: string) =>
    results.target(text, `${times(ratio)} (${detail})`, ratio <= limit);
  const ofCrawlee = (text: string, samples: Samples, what: string, limit: number) => {
    const [ours, theirs] = [median(samples[`troupe ${what}`]!), median(samples[`crawlee ${what}`]!)];
    atMost(text, ours / theirs, limit, `${us(ours)} against ${us(theirs)}`);
  };
  const growth = (text: string, what: string) => {
    const [from, to] = [median(small[what]!), median(large[what]!)];
    atMost(text, to / from, 2.5, `${us(from)} to ${us(to)}`);
  };
  ofCrawlee('A use at 1 000 sessions: at most 0.75× Crawlee', small, 'use', 0.75);
  ofCrawlee('A use at 1 000 000 sessions, shuffled: at most 0.5× Crawlee', large, 'use shuffled', 0.5);
  growth('From 1 000 to 1 000 000, shuffled: at most 2.5×', 'troupe use shuffled');
  growth('… with every 10th retired', 'troupe retire');
  growth('… with all but one retired', 'troupe until failure');
  growth('… with 90 % banned from the asked site', 'troupe banned');
  for (const [size, samples] of [
    [sizes[0]!, small],
    [sizes.at(-1)!, large],
  ] as const) {
    const [ours, theirs] = [median(samples['troupe create']!), median(samples['crawlee create']!)];
    const text = `Making a session, ${thousands(size)} of them: at least 50× cheaper than Crawlee`;
    results.target(text, `${times(theirs / ours)} (${us(ours)} against ${us(theirs)})`, theirs / ours >= 50);
  }
  const bytes = Math.max(...Object.values(heap.troupe));
  const crawlees = Math.max(...Object.values(heap.crawlee));
  results.target(
    'Heap per idle session: at most 512 bytes',
    `${thousands(bytes)} (Crawlee ${thousands(crawlees)})`,
    bytes <= 512,
  );
}

function micro(samples: readonly number[] | undefined): string {
  return samples ? spread(summary(samples.map((ns) => ns / 1_000))) : '—';
}

function us(ns: number): string {
  return `${digits(ns / 1_000)} µs`;
}
