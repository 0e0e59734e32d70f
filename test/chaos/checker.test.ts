import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHistory } from './checker.ts';
import type { History } from './history.ts';
import { modelHistory } from './model-history.ts';
import { plantedFaults } from './planted-faults.ts';
import { checkEligible } from './rules/eligible.ts';

const RUNS = 300;

describe('the checker', () => {
  it('has nothing against a history without a fault', () => {
    let holds = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const history = modelHistory(seed);
        holds += history.holds.length;
        expect(checkHistory(history)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
    expect(holds).toBeGreaterThan(RUNS * 20);
  });

  it.each(plantedFaults)('finds $name', ({ rule, plant }) => {
    let planted = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const history = modelHistory(seed);
        const place = plant(history);
        if (place === undefined) return;
        planted += 1;
        expect(rulesBroken(history), `planted at ${place}`).toContain(rule);
      }),
      { numRuns: 100 },
    );
    // Not every history has a place for it, but most have.
    expect(planted).toBeGreaterThan(30);
  });
});

function rulesBroken(history: History): string[] {
  return checkHistory(history).map(({ rule }) => rule);
}

const emptyHistory: History = {
  settings: { leaseMs: 1200, maxPoolSize: 12, marginMs: 0, endedAt: 0, faultsEndedAt: 0, recoveryMs: 0 },
  ...{
    births: [],
    holds: [],
    places: [],
    retirements: [],
    hops: [],
    arrivals: [],
    unheardLeases: 0,
    samples: [],
  },
  end: { sessions: [], counts: { living: 0, leased: 0, places: 0, dead: 0 } },
  workers: [],
};

it('does not know which one of a repeated release was carried out', () => {
  const lease = {
    ...{
      worker: 'w',
      id: 's',
      usageCount: 0,
      maxUsageCount: null,
      expiresInMs: null,
      mark: 0,
      isBirth: false,
    },
    ...{ recovered: false, renewals: [], site: 'a' },
  };
  const change = { usageCount: 1, status: 'usable', restMs: 0, blocks: [{ site: 'a', ms: 300 }] } as const;
  const released = (askedAt: number, outcome: 'unknown' | 'released') => ({
    ...{ askedAt, heardAt: askedAt + 1, outcome },
    change: { ...change, blocks: [...change.blocks] },
  });
  const history = (againAt: number): History => ({
    ...emptyHistory,
    holds: [
      {
        ...lease,
        ...{ fence: 1, leasedFrom: 0, askedAt: 0, heardAt: 1 },
        releases: [released(10, 'unknown'), released(200, 'released')],
      },
      { ...lease, fence: 2, leasedFrom: againAt, askedAt: againAt, heardAt: againAt + 1, releases: [] },
    ],
  });
  // The first one's block may be over, and the second's cannot be told from it; before that it is blocked for sure.
  expect(checkEligible(history(320))).toEqual([]);
  expect(checkEligible(history(250))).toHaveLength(1);
});
