import type { FetchRun, OpenParams } from './fetch/client-process.ts';
import { clients } from './fetch/clients.ts';
import type { Seen } from './fetch/server.ts';
import { Contender } from './harness/contender.ts';
import { inRounds } from './harness/rounds.ts';
import { type Results, runSubject, type SubjectOptions, verify } from './harness/subject.ts';
import { digits, median, spread, summary, times } from './stats.ts';

const CONCURRENT = 20;
const COOKIES = 10;

interface Sample extends FetchRun {
  /** Opened while it ran; 0 where they are kept alive. */
  readonly connections: number;
}

type Samples = Record<string, Sample[]>;

/** How the 20 requests that are under way at once come about. */
interface Case {
  readonly title: string;
  readonly note: string;
  readonly users: number;
  readonly path: string;
}

const cases: readonly Case[] = [
  {
    title: '20 users, each with 10 cookies and one request at a time',
    note: 'The usual work of a pool, and what the targets are about.',
    users: CONCURRENT,
    path: '/page',
  },
  {
    title: 'The same, and every answer sets a cookie',
    note: '',
    users: CONCURRENT,
    path: '/set',
  },
  {
    title: 'One user with 10 cookies and 20 requests at a time',
    note: 'A troupe session has at most 6 connections to an origin, as browsers do; the others open 20.',
    users: 1,
    path: '/page',
  },
];

await runSubject('fetch', 'session.fetch', async (options, results) => {
  await using server = new Contender(new URL('fetch/server.ts', import.meta.url));
  const origin = await server.ask<string>('listen');
  for (const [index, work] of cases.entries()) {
    const samples = await measure(work, server, origin, options);
    table(work, samples, results);
    if (index === 0) judge(samples, results);
  }
});

async function measure(
  { users, path }: Case,
  server: Contender,
  origin: string,
  { quick, rounds, profileDir }: SubjectOptions,
): Promise<Samples> {
  const ms = quick ? 150 : 1_000;
  const file = new URL('fetch/client-process.ts', import.meta.url);
  const contenders: Record<string, Contender> = {};
  try {
    for (const name of Object.keys(clients)) {
      const contender = new Contender(file, name === 'troupe' ? { profileDir } : {});
      contenders[name] = contender;
      await contender.ask('open', { name, origin, users, cookies: COOKIES } satisfies OpenParams);
      await contender.ask('run', { url: origin + path, concurrent: CONCURRENT, ms });
    }
    const measurements = Object.entries(contenders).map(([name, contender]) => {
      const sample = async () => {
        await server.ask('seen', { cookies: COOKIES });
        const run = await contender.ask<FetchRun>('run', { url: origin + path, concurrent: CONCURRENT, ms });
        const seen = await server.ask<Seen>('seen', { cookies: COOKIES });
        check(name, run, seen);
        return { ...run, connections: seen.connections };
      };
      return [name, sample] as const;
    });
    return await inRounds<string, Sample>(rounds, Object.fromEntries(measurements));
  } finally {
    await Promise.all(Object.values(contenders).map((contender) => contender.close()));
  }
}

/** Every request arrived, and with all its cookies where there are any. */
function check(name: string, { requests }: FetchRun, seen: Seen): void {
  verify(seen.requests === requests, `${name}: ${seen.requests} requests arrived of ${requests}`);
  const expected = clients[name]!.sendsCookies ? requests : 0;
  verify(seen.withCookies === expected, `${name}: ${seen.withCookies} of ${requests} came with all cookies`);
}

function table({ title, note }: Case, samples: Samples, results: Results): void {
  const ours = speed(samples.troupe!);
  results.table({
    title,
    note: [
      `Requests a second, ${CONCURRENT} at once; the body of 1 000 bytes read as text. ${note}`.trim(),
      'CPU: of the client with all its threads, microseconds a request (impit works on several). Connections: opened meanwhile.',
    ].join('\n'),
    columns: ['', 'requests/s', 'troupe is', 'CPU µs', 'connections'],
    rows: Object.entries(samples).map(([name, all]) => [
      clients[name]!.label,
      spread(summary(all.map(({ perSecond }) => perSecond))),
      name === 'troupe' ? '' : times(ours / speed(all)),
      digits(median(all.map(({ cpuMicros }) => cpuMicros))),
      digits(median(all.map(({ connections }) => connections))),
    ]),
  });
}

function judge(samples: Samples, results: Results): void {
  const ours = speed(samples.troupe!);
  const against = (text: string, peer: string, least: number) => {
    const theirs = speed(samples[peer]!);
    const detail = `${digits(ours)}/s against ${digits(theirs)}/s`;
    results.target(text, `${times(ours / theirs)} (${detail})`, ours / theirs >= least);
  };
  against('With cookies at least as fast as bare undici.fetch without', 'undici-fetch', 1);
  against('At least twice got with a jar', 'got', 2);
}

function speed(samples: readonly Sample[]): number {
  return median(samples.map(({ perSecond }) => perSecond));
}
