import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiteralSearch } from '../../src/verdict/literals.ts';

/** The first two places of each literal, looked for one by one. */
function placesOf(literals: readonly string[], text: string): string[] {
  return literals.flatMap((literal, index) => {
    const first = text.indexOf(literal);
    const second = first < 0 ? -1 : text.indexOf(literal, first + 1);
    return [first, second].filter((at) => at >= 0).map((at) => `${index} at ${at}`);
  });
}

describe('a search for many literals', () => {
  it('finds what a search for each finds', () => {
    // Of few letters, so that literals overlap, repeat and hold each other.
    const literal = fc.string({ unit: fc.constantFrom('a', 'b', '<'), minLength: 3, maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '<'), maxLength: 200 });
    fc.assert(
      fc.property(fc.uniqueArray(literal, { minLength: 1, maxLength: 6 }), text, (literals, inText) => {
        const hits = new LiteralSearch(literals).find(Buffer.from(inText, 'latin1'));
        const found = hits.map(({ literal, at }) => `${literal} at ${at}`);
        expect(found.sort()).toEqual(placesOf(literals, inText).sort());
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds them among all bytes there are', () => {
    const search = new LiteralSearch(['\xff\x00\xfe\x01', '<title']);
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
    bytes.set([0xff, 0x00, 0xfe, 0x01], 300);
    expect(search.find(bytes)).toEqual([{ literal: 0, at: 300 }]);
    expect(search.find(new Uint8Array())).toEqual([]);
  });
});
