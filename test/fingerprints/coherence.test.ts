import { expect, test } from 'vitest';
import { incoherencesOf } from '../../src/fingerprints/coherence.ts';
import { HEADER_RULES } from '../../src/fingerprints/header-rules.ts';
import { MACHINE_RULES } from '../../src/fingerprints/machine-rules.ts';
import { chrome, iphone, planted } from './data/planted.ts';

test('finds nothing in an honest browser', () => {
  expect(incoherencesOf(chrome)).toEqual([]);
  expect(incoherencesOf(iphone)).toEqual([]);
});

test.each(planted)('sees %s', (_, rule, lie) => {
  const found = incoherencesOf(lie);
  expect(found.map((one) => one.rule)).toContainEqual(expect.stringMatching(rule));
  for (const { seen } of found) expect(seen).not.toBe('');
});

test('every rule has a lie that only it must see', () => {
  const rules = [...HEADER_RULES, ...MACHINE_RULES].map(({ rule }) => rule);
  const unseen = rules.filter((rule) => !planted.some(([, pattern]) => pattern.test(rule)));
  expect(unseen).toEqual([]);
});
