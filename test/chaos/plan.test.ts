import { expect, it } from 'vitest';
import { makePlan } from './plan.ts';

const size = { seconds: 8, workers: 4, leaseMs: 1_200 };

it('makes the same plan of faults for the same seed, and another for another', () => {
  expect(makePlan(7, 'redis', size)).toEqual(makePlan(7, 'redis', size));
  expect(makePlan(8, 'redis', size)).not.toEqual(makePlan(7, 'redis', size));
});

it('has all kinds of faults, each for a worker that there is, in the time of the run', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const faults = seeds.flatMap((seed) => makePlan(seed, 'postgres', size).faults);
  const kinds = [
    'kill',
    'stop',
    'cut',
    'refuse',
    'delay',
    'stall',
    'lose answers',
    'restart',
    'pause',
    'skew',
  ];
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(kinds));
  for (const fault of faults) {
    expect(fault.atMs).toBeLessThan(8_000);
    if ('worker' in fault) expect([0, 1, 2, 3, null]).toContain(fault.worker);
  }
});

it('breaks no connections, no server and no clock where there is only a file', () => {
  const plans = Array.from({ length: 20 }, (_, seed) => makePlan(seed, 'sqlite', size));
  const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
  expect(kinds).toEqual(new Set(['kill', 'stop', 'lock']));
  expect(plans.every(({ skewsMs }) => skewsMs.every((ms) => ms === 0))).toBe(true);
});
