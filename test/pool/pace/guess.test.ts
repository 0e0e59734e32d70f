import { expect, it } from 'vitest';
import { fixedWindow } from './limiters.ts';
import { simulate } from './simulation.ts';

it('an address that was only suspected together with its session does not hold everybody up for long', () => {
  for (let seed = 1; seed <= 20; seed++) {
    // One session at each address to begin with: the first objections do not tell whose limit was met.
    const { ms, served, refused } = simulate({
      perSession: fixedWindow(4, 2_000, true),
      perAddress: fixedWindow(20, 2_000),
      pages: 600,
      concurrency: 8,
      roundTripMs: 60,
      seed,
    });
    expect(served).toBe(600);
    // The addresses bear 80 a second: half of that, the first objections included.
    expect(ms, `seed ${seed}`).toBeLessThan(15_500);
    expect(refused, `seed ${seed}`).toBeLessThan(66);
  }
});

it('an address whose limit it was shows it at its next objection', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { ms, served, refused } = simulate({ perAddress: fixedWindow(20, 2_000), pages: 2_000, seed });
    expect(served).toBe(2_000);
    expect(ms, `seed ${seed}`).toBeLessThan(40_000);
    expect(refused, `seed ${seed}`).toBeLessThan(120);
  }
});
