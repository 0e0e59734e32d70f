import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ExitRecord } from '../../../src/pool/proxies/exit-record.ts';

describe('whose fault it is that a proxy did not get through', () => {
  let exits: ExitRecord;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    exits = new ExitRecord();
  });
  afterEach(() => vi.useRealTimers());

  it("the proxy's, if it has reached nothing yet", () => {
    expect(exits.failed('a', 'one.test')).toBe(true);
    exits.reached('a');
    // What another reached says nothing of it.
    expect(exits.failed('b', 'one.test')).toBe(true);
  });

  it("the site's, at first, if the proxy has reached something lately", () => {
    exits.reached('a');
    expect(exits.failed('a', 'one.test')).toBe(false);
    expect(exits.failed('a', 'one.test')).toBe(false);
  });

  it("the proxy's, if that was longer ago than a minute", () => {
    exits.reached('a');
    vi.advanceTimersByTime(60_000);
    expect(exits.failed('a', 'one.test')).toBe(false);
    vi.advanceTimersByTime(1);
    expect(exits.failed('a', 'one.test')).toBe(true);
  });

  it("the proxy's, if it fails for another site, too", () => {
    exits.reached('a');
    expect(exits.failed('a', 'one.test')).toBe(false);
    expect(exits.failed('a', 'two.test')).toBe(true);
  });

  it("the proxy's, at the third time in a row", () => {
    exits.reached('a');
    const faults = [1, 2, 3].map(() => exits.failed('a', 'one.test'));
    expect(faults).toEqual([false, false, true]);
  });

  it('is counted anew once something came back', () => {
    exits.reached('a');
    exits.failed('a', 'one.test');
    exits.failed('a', 'one.test');
    exits.reached('a');
    expect(exits.failed('a', 'two.test')).toBe(false);
    expect(exits.failed('a', 'two.test')).toBe(false);
  });

  it('is forgotten of proxies that are no longer listed', () => {
    for (const tag of ['a', 'b']) exits.reached(tag);
    exits.keepOnly((tag) => tag === 'a');
    expect(exits.failed('a', 'one.test')).toBe(false);
    expect(exits.failed('b', 'one.test')).toBe(true);
  });
});
