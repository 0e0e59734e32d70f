import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHistory } from './checker.ts';
import type { History } from './history.ts';
import { modelHistory } from './model-history.ts';
import { plantedFaults } from './planted-faults.ts';

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
