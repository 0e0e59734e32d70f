import type { Refusal } from '../playground/ledger.ts';
import { inRounds } from './harness/rounds.ts';
import { type Results, runSubject, verify } from './harness/subject.ts';
import { digits, median, spread, summary, thousands } from './stats.ts';
import { type Trial, tryOut } from './survival/trial.ts';

const CONCURRENT = 20;
const TIMEOUT_MS = 120_000;
/** A third of what Crawlee, paced by hand at its best, took for 600 pages of a similar site on an idle machine. */
const MOST_SECONDS = 47 / 3;

const TROUPE = 'troupe';
const UNPACED = 'Crawlee HttpCrawler';
const contenders = {
  [TROUPE]: ['troupe.ts', {}],
  [UNPACED]: ['crawlee.ts', { sameDomainDelaySecs: 0 }],
  '… sameDomainDelaySecs 0.01': ['crawlee.ts', { sameDomainDelaySecs: 0.01 }],
  '… sameDomainDelaySecs 0.02': ['crawlee.ts', { sameDomainDelaySecs: 0.02 }],
  'undici.fetch, the next proxy each': ['naive.ts', {}],
} as const;

type Name = keyof typeof contenders;

await runSubject('survival', 'Survival', async ({ quick, rounds }, results) => {
  const small = quick ? 60 : 600;
  const samples = await trials(small, rounds);
  tables(samples, small, results);
  judge(samples, small, results);
  if (quick) return;
  const large = 5_000;
  // Minutes each, and what is learnt in the first thousand pages decides.
  const long = await trials(large, Math.ceil(rounds / 5));
  tables(long, large, results);
  judgeLong(long[TROUPE], large, results);
});

function trials(pages: number, rounds: number): Promise<Record<Name, Trial[]>> {
  const measure = (name: Name) => () => {
    const [file, params] = contenders[name];
    const job = { ...params, pages, concurrent: CONCURRENT, timeoutMs: TIMEOUT_MS };
    return tryOut(new URL(`survival/${file}`, import.meta.url), job);
  };
  const names = Object.keys(contenders) as Name[];
  const measurements = Object.fromEntries(names.map((name) => [name, measure(name)]));
  return inRounds(rounds, measurements as Record<Name, () => Promise<Trial>>);
}

function tables(samples: Record<Name, Trial[]>, pages: number, results: Results): void {
  for (const trial of samples[TROUPE]) {
    verify(trial.site.pages >= trial.run.pages, 'pages were got that the site did not give');
  }
  const rounds = samples[TROUPE].length;
  const rows = Object.entries(samples);
  results.table({
    title: `${thousands(pages)} pages of a site that defends itself, ${CONCURRENT} at once`,
    note: [
      'The playground with its hard defences, eight good proxies and two bad ones. Requests: all that were sent, into bad proxies,',
      'too. Users: made by the tool; burnt: given up because of what the site answered; banned: by the site. Bad proxies: requests into',
      'both; a minute: into the worse of them in one minute, from a second after its first failure. Mixed: requests by which a',
      `user showed two addresses, two User-Agents or another's cookie. Stopped after ${TIMEOUT_MS / 1_000} s. ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
    ].join('\n'),
    columns: [
      '',
      'pages',
      'requests/page',
      'users',
      'burnt',
      'banned',
      'bad proxies',
      'a minute',
      'mixed',
      'seconds',
    ],
    rows: rows.map(([name, trials]) => [
      name,
      whole(trials, ({ run }) => run.pages),
      of(trials, (trial) => trial.requestsPerPage),
      whole(trials, ({ run }) => run.created),
      whole(trials, ({ run }) => run.burnt),
      whole(trials, ({ site }) => site.banned),
      whole(trials, (trial) => trial.intoBadProxies),
      whole(trials, (trial) => trial.perMinuteOnceKnown),
      whole(trials, (trial) => trial.mixedIdentities),
      `${of(trials, ({ run }) => run.ms / 1_000)}${trials.some(({ run }) => run.isTimedOut) ? ', stopped' : ''}`,
    ]),
  });
  const kinds: Refusal[] = [
    'user-limit',
    'address-limit',
    'captcha',
    'user-banned',
    'address-banned',
    'unavailable',
  ];
  results.table({
    title: `What the site answered instead of ${thousands(pages)} pages`,
    note: 'Counted by the site; addresses: so many of the eight were banned.',
    columns: ['', ...kinds, 'addresses'],
    rows: rows.map(([name, trials]) => [
      name,
      ...kinds.map((kind) => whole(trials, ({ site }) => site.refusals[kind] ?? 0)),
      whole(trials, ({ site }) => site.bannedAddresses),
    ]),
  });
}

function judge(samples: Record<Name, Trial[]>, pages: number, results: Results): void {
  const ours = samples[TROUPE];
  const theirs = samples[UNPACED];
  const got = Math.min(...ours.map(({ run }) => run.pages));
  const sent = (trials: Trial[]) => middle(trials, (trial) => trial.requestsPerPage);
  const burnt = (trials: Trial[]) => middle(trials, ({ run }) => run.burnt ?? 0);
  const seconds = middle(ours, ({ run }) => run.ms / 1_000);
  results.target(`Every one of ${thousands(pages)} pages, in every round`, thousands(got), got === pages);
  results.target(
    'At most half the requests of Crawlee as its guides set it up',
    `${digits(sent(ours) / sent(theirs))}× (${digits(sent(ours))} a page against ${digits(sent(theirs))})`,
    sent(ours) <= 0.5 * sent(theirs),
  );
  results.target(
    'A hundredth of its burnt users',
    `${whole(ours, ({ run }) => run.burnt)} against ${whole(theirs, ({ run }) => run.burnt)}`,
    burnt(ours) <= burnt(theirs) / 100,
  );
  results.target(
    'At most 1.10 requests a page',
    of(ours, (trial) => trial.requestsPerPage),
    sent(ours) <= 1.1,
  );
  results.target(
    'At most 3 burnt users',
    whole(ours, ({ run }) => run.burnt),
    burnt(ours) <= 3,
  );
  results.target('At most a third of 47 s', `${digits(seconds)} s`, seconds <= MOST_SECONDS);
  identities(ours, pages, results);
}

function judgeLong(ours: Trial[], pages: number, results: Results): void {
  const got = Math.min(...ours.map(({ run }) => run.pages));
  results.target(`Every one of ${thousands(pages)} pages`, thousands(got), got === pages);
  identities(ours, pages, results);
}

function identities(ours: Trial[], pages: number, results: Results): void {
  const mixed = Math.max(...ours.map((trial) => trial.mixedIdentities));
  const perMinute = Math.max(...ours.map((trial) => trial.perMinuteOnceKnown));
  results.target(`No mixed identity in ${thousands(pages)} pages`, String(mixed), mixed === 0);
  results.target('At most 5 requests a minute into a dead proxy', String(perMinute), perMinute <= 5);
}

function middle(trials: Trial[], value: (trial: Trial) => number): number {
  return median(trials.map(value));
}

function of(trials: Trial[], value: (trial: Trial) => number): string {
  return spread(summary(trials.map(value)));
}

/** Of what is counted: `3`, or `3 (1–7)`; a dash where the tool does not know it. */
function whole(trials: Trial[], value: (trial: Trial) => number | null): string {
  const values = trials.map(value).filter((count) => count !== null);
  if (values.length === 0) return '—';
  const { median: middle, min, max } = summary(values);
  return min === max ? thousands(middle) : `${thousands(middle)} (${thousands(min)}–${thousands(max)})`;
}
