import { expect, it } from 'vitest';
import { keysOf } from '../../src/stores/redis/keys.ts';
import { scripts } from '../../src/stores/redis/scripts.ts';

/** How the pieces call the keys that were declared, in the order of `keysOf`. */
const NAMES = ['DUE', 'DATA', 'INDEX', 'EXPIRY', 'DEAD', 'RESTING', 'PLACES', 'SITES', 'TAGS'];
/** Commands without a key. */
const KEYLESS = ['TIME', 'INFO'];

it.each(Object.entries(scripts))('%s touches no key but those that it declares', (_name, { text }) => {
  const code = text.replace(/--.*$/gm, '');
  const calls = [...code.matchAll(/(?:\bcall|redis\.p?call)\(([^,)]+)(?:,\s*([\w[\]]+))?/g)];
  expect(calls.length).toBeGreaterThan(0);
  for (const [whole, command, key] of calls) {
    if (KEYLESS.includes(command!.replaceAll("'", ''))) continue;
    // The channel has the name of a key. The one function that is given a key is called with PLACES and EXPIRY.
    const isDeclared = NAMES.includes(key ?? '') || /^KEYS\[\w+\]$/.test(key ?? '');
    expect(isDeclared || /ZRANGEBYSCORE', key$/.test(whole), whole).toBe(true);
  }
});

it('names a fixed number of keys, under one hash tag', () => {
  const keys = keysOf('shop');
  expect(keys).toHaveLength(NAMES.length);
  for (const key of keys) expect(key).toMatch(/^troupe:\{shop\}:[a-z]+$/);
});

it('declares the keys in the order in which the scripts name them', () => {
  const declared = [...scripts.lease.text.matchAll(/local ([A-Z, ]+) = (KEYS[^\n]+)/g)].flatMap(
    ([, names, keys]) => {
      const indexes = [...keys!.matchAll(/KEYS\[(\d)\]/g)].map(([, index]) => Number(index));
      return names!.split(', ').map((name, at) => [name, indexes[at]]);
    },
  );
  expect(declared).toEqual(NAMES.map((name, index) => [name, index + 1]));
  expect(keysOf('x').map((key) => key.split(':')[2]!.toUpperCase())).toEqual(NAMES);
});
