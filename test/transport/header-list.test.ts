import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeaderList } from '../../src/transport/header-list.ts';

test('no name and no value can end its line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
      try {
        for (const part of HeaderList.from([[name, value]]).toFlat())
          expect(part).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
      }
    }),
  );
});

test('takes what Headers takes', () => {
  const expected = ['a', '1', 'b', '2, 3'];
  const pairs: [string, string][] = [
    ['a', '1'],
    ['b', '2'],
    ['b', '3'],
  ];
  expect(HeaderList.from(pairs).toFlat()).toEqual(expected);
  expect(HeaderList.from(new Headers(pairs)).toFlat()).toEqual(expected);
  expect(HeaderList.from({ a: ' 1\n', b: '2, 3' }).toFlat()).toEqual(expected);
  expect(HeaderList.from(undefined).toFlat()).toEqual([]);
  expect(() => HeaderList.from([['a']] as never)).toThrow(TypeError);
});
