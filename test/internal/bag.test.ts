import { expect, it } from 'vitest';
import { Bag } from '../../src/internal/bag.ts';
import { Deadlines } from '../../src/internal/deadlines.ts';
import { until } from '../pool/helpers.ts';

it('takes out what was put in, in any order, once', () => {
  const bag = new Bag<{ name: string; place: number }>();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, place: -1 }));
  for (const item of [a!, b!, c!]) bag.add(item);
  expect([bag.delete(a!), bag.delete(a!), bag.delete(c!)]).toEqual([true, false, true]);
  expect(bag.all()).toEqual([b]);
  bag.add(a!);
  bag.clear();
  expect([bag.size, bag.delete(a!), bag.delete(b!)]).toEqual([0, false, false]);
});

it('tells of each deadline that passed, but not of one that another has ended', async () => {
  const deadlines = new Deadlines();
  const told: string[] = [];
  const deadline = (name: string, inMs: number, onPassed = () => {}) => ({
    at: performance.now() + inMs,
    place: -1,
    onPassed: () => {
      told.push(name);
      onPassed();
    },
  });
  const ended = deadline('ended', 2);
  const far = deadline('far', 60_000);
  deadlines.add(deadline('first', 1, () => deadlines.delete(ended)));
  deadlines.add(far);
  deadlines.add(ended);
  deadlines.add(deadline('last', 3));
  await until(() => told.includes('last'), 'the last deadline');
  expect(told).toEqual(['first', 'last']);
  deadlines.delete(far);
});
