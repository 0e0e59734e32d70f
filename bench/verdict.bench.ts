import { Contender } from './harness/contender.ts';
import { inRounds } from './harness/rounds.ts';
import { runSubject } from './harness/subject.ts';
import { digits, median, spread, summary } from './stats.ts';
import { bodies } from './verdict/bodies.ts';

const TARGET_MICROS = 50;

await runSubject('verdict', 'Judging a page', async ({ quick, rounds, profileDir }, results) => {
  const calls = quick ? 100 : 5_000;
  await using judging = new Contender(new URL('verdict/judge.ts', import.meta.url), { profileDir });
  const titles = bodies().map(({ title }) => title);
  // All of them first, so that V8 has seen every kind of page.
  for (const body of titles.keys()) {
    for (const question of ['judge', 'oneByOne']) await judging.ask(question, { body, calls: 200 });
  }
  const samples = await inRounds(
    rounds,
    Object.fromEntries(
      [...titles.keys()].flatMap((body) => [
        [`judge ${body}`, () => judging.ask<number>('judge', { body, calls })],
        [`oneByOne ${body}`, () => judging.ask<number>('oneByOne', { body, calls: calls / 10 })],
      ]),
    ),
  );
  results.table({
    title: 'Microseconds to judge an answer',
    note: [
      'Status, headers and the first 64 KB of the body, by all signatures. Beside it what it would cost to look for the same literals one',
      'after the other with `includes`, and nothing else.',
    ].join('\n'),
    columns: ['', 'judge', '`includes`'],
    rows: titles.map((title, body) => [
      title,
      spread(summary(samples[`judge ${body}`]!)),
      spread(summary(samples[`oneByOne ${body}`]!)),
    ]),
  });
  const of64 = titles.flatMap((title, body) =>
    title.endsWith('64 KB') ? [median(samples[`judge ${body}`]!)] : [],
  );
  const worst = Math.max(...of64);
  results.target(
    `Judging: under ${TARGET_MICROS} µs for a page of 64 KB, whatever is on it`,
    `${digits(worst)} µs at worst`,
    worst < TARGET_MICROS,
  );
});
