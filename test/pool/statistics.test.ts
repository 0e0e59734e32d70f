import { expect, it } from 'vitest';
import { Statistics } from '../../src/pool/statistics.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';

it('counts the verdicts of the last hour, and forgets older ones', () => {
  const clock = fakeClock();
  const statistics = new Statistics(clock);
  statistics.count('ok');
  statistics.count('ok');
  clock.advance(30 * 60_000);
  statistics.count('blocked');
  expect(statistics.lastHour()).toEqual({ ok: 2, blocked: 1 });
  clock.advance(30 * 60_000);
  expect(statistics.lastHour()).toEqual({ blocked: 1 });
  clock.advance(60 * 60_000);
  expect(statistics.lastHour()).toEqual({});
});
