import type { LedgerSummary } from '../playground/ledger.ts';
import { type PlaygroundProcess, startPlaygroundProcess } from '../playground/start-process.ts';
import { Contender } from './harness/contender.ts';
import { inRounds } from './harness/rounds.ts';
import { type Results, runSubject, verify } from './harness/subject.ts';
import type { JobParams, JobRun } from './main-job/pages.ts';
import { digits, median, spread, summary, thousands, times } from './stats.ts';

const USERS = 20;

interface Sample {
  readonly perSecond: number;
  readonly ledger: LedgerSummary;
}

await runSubject('main-job', 'The main job', async ({ quick, rounds, profileDir }, results) => {
  const pages = quick ? 300 : 10_000;
  await using site = await startPlaygroundProcess({ requestsPerCookie: 1e9 });
  await using troupe = new Contender(new URL('main-job/troupe.ts', import.meta.url), { profileDir });
  await using crawlee = new Contender(new URL('main-job/crawlee.ts', import.meta.url));
  const params: JobParams = { origin: site.url, pages, users: USERS };

  // A short job first, so that the code is loaded and V8 has seen it.
  const warmUp: JobParams = { ...params, pages: Math.min(pages, 500) };
  for (const question of ['memory', 'sqlite']) await troupe.ask(question, warmUp);
  await crawlee.ask('memory', warmUp);

  const samples = await inRounds<string, Sample>(rounds, {
    'troupe, in memory': () => job(troupe, 'memory', params, site),
    'troupe, SQLite': () => job(troupe, 'sqlite', params, site),
    'Crawlee HttpCrawler, in memory': () => job(crawlee, 'memory', params, site),
  });
  for (const [name, { ledger }] of Object.entries(samples).flatMap(([name, all]) =>
    all.map((sample) => [name, sample] as const),
  )) {
    if (name.startsWith('troupe')) checkUsers(name, ledger);
  }
  table(samples, pages, results);
});

/** One job on a site that remembers nobody of the last one. */
async function job(who: Contender, how: string, params: JobParams, site: PlaygroundProcess): Promise<Sample> {
  await site.reset();
  const run = await who.ask<JobRun>(how, params);
  verify(run.pages === params.pages, `${run.pages} pages of ${params.pages} were got`);
  return { perSecond: (run.pages * 1_000) / run.ms, ledger: await site.summary() };
}

function checkUsers(name: string, { users, mixed, sharedSockets }: LedgerSummary): void {
  verify(users === USERS, `${name}: the site saw ${users} users`);
  verify(mixed === 0 && sharedSockets === 0, `${name}: ${mixed} mixed, ${sharedSockets} shared connections`);
}

function table(samples: Record<string, Sample[]>, pages: number, results: Results): void {
  const speed = (name: string) => samples[name]!.map(({ perSecond }) => perSecond);
  const theirs = median(speed('Crawlee HttpCrawler, in memory'));
  results.table({
    title: `${thousands(pages)} pages as ${USERS} users, ${USERS} at once`,
    note: [
      'Pages of 2 000 bytes behind a cookie that must be kept (`/item/:n` of the playground, its limits off), from the making of the',
      'pool or crawler to the last page. What the site saw: users (cookies that came back), requests as two users at once (mixed),',
      'connections that two users shared.',
    ].join('\n'),
    columns: ['', 'pages/s', 'of Crawlee', 'requests', 'users', 'mixed', 'shared connections'],
    rows: Object.entries(samples).map(([name, all]) => {
      const { ledger } = all.at(-1)!;
      return [
        name,
        spread(summary(speed(name))),
        times(median(speed(name)) / theirs),
        thousands(ledger.requests),
        thousands(ledger.users),
        thousands(ledger.mixed),
        thousands(ledger.sharedSockets),
      ];
    }),
  });
  const ours = median(speed('troupe, in memory'));
  results.target(
    "The main job: at least 5× Crawlee's HttpCrawler",
    `${times(ours / theirs)} (${digits(ours)}/s against ${digits(theirs)}/s)`,
    ours / theirs >= 5,
  );
}
