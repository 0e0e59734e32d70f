import { describe, expect, it } from 'vitest';
import { fixedWindow, type Limiter, slidingWindow, tokenBucket } from './limiters.ts';
import { type Scenario, simulate } from './simulation.ts';

/** What a kind of limit must come to, whatever the seed: the share of pages refused, and of what the limit admits. */
interface Case {
  readonly name: string;
  readonly perAddress?: () => Limiter;
  readonly perSession?: () => Limiter;
  readonly terms?: Partial<Scenario>;
  readonly pages: number;
  /** Refused for each page served, at most. */
  readonly refused: number;
  /** What all addresses together are admitted in a second, and how much of that is used at least. */
  readonly perSecond?: number;
  readonly used?: number;
}

const WINDOW_MS = 2_000;

const cases: Case[] = [
  {
    name: 'a fixed window for each address, and a tight one for each session where refused requests count',
    perAddress: () => fixedWindow(19, WINDOW_MS),
    perSession: () => fixedWindow(4, WINDOW_MS, true),
    terms: { concurrency: 8, roundTripMs: 45 },
    pages: 3_000,
    refused: 0.04,
    perSecond: 76,
    used: 0.6,
  },
  {
    name: 'a sliding window for each address',
    perAddress: () => slidingWindow(20, WINDOW_MS),
    pages: 3_000,
    refused: 0.06,
    perSecond: 80,
    used: 0.6,
  },
  {
    name: 'a sliding window for each address, in which refused requests count',
    perAddress: () => slidingWindow(20, WINDOW_MS, true),
    pages: 3_000,
    refused: 0.06,
    perSecond: 80,
    used: 0.6,
  },
  {
    name: 'a bucket for each address',
    perAddress: () => tokenBucket(20, 10),
    pages: 3_000,
    refused: 0.12,
    perSecond: 80,
    used: 0.7,
  },
  {
    name: 'a window for each address, and a site that says how long to stay away',
    perAddress: () => fixedWindow(20, WINDOW_MS),
    terms: { retryAfterMs: WINDOW_MS },
    pages: 3_000,
    refused: 0.06,
    perSecond: 80,
    used: 0.6,
  },
  {
    name: 'a window for each session alone',
    perSession: () => fixedWindow(20, WINDOW_MS),
    pages: 3_000,
    refused: 0.06,
  },
];

describe('the pace of a site', () => {
  it.each(cases)('is learnt with few objections, and stays near the limit: $name', (one) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { perAddress, perSession, terms, pages } = one;
      const result = simulate({
        ...(perAddress && { perAddress: perAddress() }),
        ...(perSession && { perSession: perSession() }),
        ...terms,
        pages,
        seed,
      });
      expect(result.served, `seed ${seed}`).toBe(pages);
      expect(result.refused / pages, `seed ${seed}`).toBeLessThan(one.refused);
      if (one.perSecond === undefined) continue;
      const used = pages / (result.ms / 1_000) / one.perSecond;
      expect(used, `seed ${seed}`).toBeGreaterThan(one.used!);
    }
  });

  it("is nobody's concern where the site never objects", () => {
    const { ms, refused } = simulate({ pages: 20_000, concurrency: 50, roundTripMs: 5, addresses: 1 });
    expect(refused).toBe(0);
    // 50 at once, each for 2.5 to 6.25 ms.
    expect(ms).toBeLessThan((20_000 / 50) * 5);
  });
});
