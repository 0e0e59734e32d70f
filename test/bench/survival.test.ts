import { expect, it } from 'vitest';
import { mostInAMinute, tryOut } from '../../bench/survival/trial.ts';

it('the survival benchmark measures: troupe gets every page of the hard site, and mixes nobody', async () => {
  const troupe = new URL('../../bench/survival/troupe.ts', import.meta.url);
  const { run, site, ...trial } = await tryOut(troupe, { pages: 60, concurrent: 20, timeoutMs: 20_000 });
  expect(run).toMatchObject({ pages: 60, isTimedOut: false });
  expect(trial.mixedIdentities).toBe(0);
  // What the site saw is what the tool says of itself.
  expect(site.pages).toBeGreaterThanOrEqual(60);
  expect(site.users).toBeGreaterThan(0);
  expect(site.users).toBeLessThanOrEqual(run.created!);
  // The bad proxies were met, or nothing would be measured of them.
  expect(trial.intoBadProxies).toBeGreaterThan(0);
  expect(trial.requestsPerPage).toBe((site.requests + trial.intoBadProxies) / 60);
}, 60_000);

it('the rate into a dead proxy is that of the busiest minute, what was under way at its first failure left out', () => {
  expect(mostInAMinute([])).toBe(0);
  expect(mostInAMinute([0, 10, 900])).toBe(0);
  expect(mostInAMinute([0, 10, 2_000, 30_000, 61_999, 62_000, 63_000])).toBe(4);
});
