import { Contender } from './harness/contender.ts';
import { inRounds } from './harness/rounds.ts';
import { runSubject } from './harness/subject.ts';
import { digits, median, spread, summary } from './stats.ts';

const TARGET_MICROS = 1_000;

await runSubject(
  'fingerprints',
  'Making a browser identity',
  async ({ quick, rounds, profileDir }, results) => {
    const calls = quick ? 20 : 1_000;
    const file = new URL('fingerprints/make.ts', import.meta.url);
    await using troupe = new Contender(file, { profileDir });
    await using apify = new Contender(file);
    const firstMicros = await troupe.ask<number>('first');
    // The first ones of a pool, before there are many to draw from, and then all others.
    const early = await troupe.ask<number>('make', { calls: quick ? 20 : 100 });
    await troupe.ask('make', { calls });
    await apify.ask('peer', { calls: 20 });
    const samples = await inRounds(rounds, {
      troupe: () => troupe.ask<number>('make', { calls }),
      apify: () => apify.ask<number>('peer', { calls: calls / 10 }),
    });
    results.table({
      title: 'Microseconds of processor time an identity',
      note: [
        'A browser, its system, device, locale, time zone and headers, for a country, free of contradictions, and one that impit can appear',
        'as. Beside it what `fingerprint-generator` takes for one of its own, unchecked.',
      ].join('\n'),
      columns: ['', 'µs'],
      rows: [
        ['the first of a process', digits(firstMicros)],
        [`the next ${quick ? 20 : 100}`, digits(early)],
        ['all others', spread(summary(samples.troupe!))],
        ['fingerprint-generator', spread(summary(samples.apify!))],
      ],
    });
    const worst = Math.max(early, median(samples.troupe!));
    results.target('An identity after the first: under 1 ms', `${digits(worst)} µs`, worst < TARGET_MICROS);
  },
);
