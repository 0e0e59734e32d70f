import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/internal/nearest.ts';
import { checkOptions, describe as describeValue, number, oneOf, text } from '../../src/internal/options.ts';

describe('checkOptions', () => {
  const checks = { ms: number({ max: 10, integer: true }), name: text, mode: oneOf('fast', 'slow') };

  it('lets what is right, or not given, pass', () => {
    checkOptions(undefined, checks);
    checkOptions({}, checks);
    checkOptions({ ms: 0, name: 'a', mode: 'slow' }, checks);
    checkOptions({ ms: undefined }, checks);
  });

  const wrong: [options: unknown, option: string, message: RegExp][] = [
    [{ ms: 11 }, 'pool.ms', /"pool.ms" must be a whole number between 0 and 10; got 11/],
    [{ ms: 1.5 }, 'pool.ms', /whole number/],
    [{ ms: Number.NaN }, 'pool.ms', /got NaN/],
    [{ ms: null }, 'pool.ms', /got null/],
    [{ name: '' }, 'pool.name', /a string that is not empty/],
    [{ mode: 'quick' }, 'pool.mode', /one of "fast", "slow"; got a string of 5 characters/],
    [{ nane: 'a' }, 'pool.nane', /did you mean "name"\?/],
    [{ somethingElse: 1 }, 'pool.somethingElse', /known: ms, name, mode/],
    [{ constructor: 1 }, 'pool.constructor', /unknown option/],
    [7, 'pool', /"pool" must be an object; got 7/],
    [[], 'pool', /got an array of 0/],
  ];
  it.each(wrong)('refuses %o, naming %s', (options, option, message) => {
    const check = () => checkOptions(options, checks, 'pool');
    expect(check).toThrow(message);
    expect(check).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  it('never shows what a string holds', () => {
    expect(describeValue('hunter2')).toBe('a string of 7 characters');
    expect(describeValue(new Map([['token', 'hunter2']]))).toBe('a Map');
  });
});

describe('nearest', () => {
  it.each([
    ['maxPoolsize', 'maxPoolSize'],
    ['maxpoolsise', 'maxPoolSize'],
    ['retires', 'retries'],
    ['unrelated', undefined],
    ['', undefined],
  ])('of %o is %o', (name, found) => {
    expect(nearest(name, ['maxPoolSize', 'retries', 'rotation'])).toBe(found);
  });
});
