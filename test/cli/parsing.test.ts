import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Line, readLines } from '../../src/cli/fetch/lines.ts';
import { BadLine, parseLine } from '../../src/cli/fetch/request-line.ts';
import { nodeProblem } from '../../src/cli/node-version.ts';
import { parseDuration, parseSize, showBytes, showDuration } from '../../src/cli/quantities.ts';
import { asTyped, protectDashIds } from '../../src/cli/sessions/dash-ids.ts';
import { facts, table } from '../../src/cli/table.ts';

describe('durations and sizes', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0', 0],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '5', 's', '-5s', '5 minutes', '5mb', '1e3s', '5constructor'])(
    'refuses the duration %j',
    (text) => expect(() => parseDuration(text)).toThrow('It must be a duration such as'),
  );

  it('reads sizes', () => {
    expect(parseSize('32mb')).toBe(32 * 1024 * 1024);
    expect(parseSize('1.5kb')).toBe(1536);
    expect(() => parseSize('32')).toThrow('the unit is missing');
  });

  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [12_400, '12.4s'],
    [59_999, '1m'],
    [185_000, '3m05s'],
    [7_800_000, '2h10m'],
    [273_600_000, '3d04h'],
  ])('shows %d ms as %s', (ms, text) => expect(showDuration(ms)).toBe(text));

  it('shows sizes', () => {
    expect([512, 1_500, 5_000_000].map(showBytes)).toEqual(['512 B', '1.5 kB', '4.8 MB']);
  });
});

describe('readLines', () => {
  const collect = async (chunks: (string | Buffer)[], maxLength?: number): Promise<Line[]> => {
    const lines: Line[] = [];
    const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
    for await (const line of readLines(stream, maxLength)) lines.push(line);
    return lines;
  };

  it('joins what chunks tore apart, takes both line breaks, and drops a byte order mark', async () => {
    const bytes = Buffer.from('ö');
    const lines = await collect([
      '\uFEFFfirst\r',
      '\nsec',
      'ond\n\n',
      bytes.subarray(0, 1),
      bytes.subarray(1),
    ]);
    expect(lines.map(({ text }) => text)).toEqual(['first', 'second', '', 'ö']);
    expect(lines.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(lines.map(({ isEnded }) => isEnded)).toEqual([true, true, true, false]);
  });

  it('does not gather a line without end', async () => {
    const lines = await collect([...Array.from({ length: 50 }, () => 'x'.repeat(100)), '\nnext\n'], 1_000);
    expect(lines.map(({ isTooLong }) => isTooLong)).toEqual([true, false]);
    expect(lines[0]!.text.length).toBeLessThan(1_200);
    expect(lines[1]).toMatchObject({ text: 'next', number: 2 });
  });
});

describe('parseLine', () => {
  it('leaves out blank lines and comments', () => {
    expect([parseLine('', 1), parseLine('  ', 2), parseLine(' # http://a.test/', 3)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('takes a URL as it is written', () => {
    expect(parseLine(' http://a.test/x y ', 7)).toEqual({
      url: 'http://a.test/x y',
      method: 'GET',
      headers: {},
      body: null,
      line: null,
    });
  });

  it('moves credentials from the URL into a header', () => {
    const request = parseLine('https://ann:p%40ss@a.test/x', 7)!;
    expect(request).toMatchObject({ url: 'https://a.test/x', line: 7 });
    expect(request.headers).toEqual({ authorization: `Basic ${btoa('ann:p@ss')}` });
  });

  it('takes JSON with a method, headers and a body', () => {
    const line = '{"url":"http://a.test/","method":"post","headers":{"X-Key":"1"},"body":{"a":[1]}}';
    expect(parseLine(line, 3)).toEqual({
      url: 'http://a.test/',
      method: 'POST',
      headers: { 'x-key': '1', 'content-type': 'application/json' },
      body: '{"a":[1]}',
      line: 3,
    });
    const text = parseLine('{"url":"http://a.test/","method":"PUT","body":"plain"}', 4)!;
    expect(text).toMatchObject({ body: 'plain', headers: {} });
  });

  it('refuses a body that cannot be written again, as any bad line', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const line = `{"url":"http://a.test/","method":"POST","body":${deep}}`;
    expect(() => parseLine(line, 1)).toThrow(new BadLine('"body" is nested too deep'));
  });

  it.each([
    ['nonsense', 'not an absolute URL'],
    ['ftp://a.test/', 'not an absolute URL'],
    ['{"url":', 'not valid JSON'],
    ['{"method":"GET"}', '"url" is missing'],
    ['{"url":"http://a.test/","methd":"GET"}', 'did you mean "method"'],
    ['{"url":"http://a.test/","body":"x"}', 'a GET request cannot have a body'],
    ['{"url":"http://a.test/","method":"CONNECT"}', 'cannot be fetched'],
    ['{"url":"http://a.test/","method":"G T"}', 'no HTTP method'],
    ['{"url":"http://a.test/","headers":["a"]}', '"headers" must be an object'],
    ['{"url":"http://a.test/","headers":{"x":"top\\nsecret"}}', 'the header "x" must be'],
    ['{"url":"http://a.test/","headers":{"x y":"1"}}', 'invalid name'],
  ])('refuses %s', (line, why) => {
    expect(() => parseLine(line, 1)).toThrow(why);
    expect(() => parseLine(line, 1)).not.toThrow('secret');
  });
});

describe('protectDashIds', () => {
  const id = `-${'a1_-'.repeat(5)}B`;

  it('keeps an id that begins with a dash from being taken for options', () => {
    const protectedArgs = protectDashIds(['sessions', 'show', id, '--json']);
    expect(protectedArgs[2]).not.toMatch(/^-/);
    expect(protectedArgs.map(asTyped)).toEqual(['sessions', 'show', id, '--json']);
  });

  it('leaves options, what follows --, and other commands alone', () => {
    const args = ['sessions', 'show', '--a-mistyped-longopts', '--', id];
    expect(protectDashIds(args)).toEqual(args);
    expect(protectDashIds(['fetch', id])).toEqual(['fetch', id]);
  });
});

describe('tables', () => {
  const columns = [{ title: 'ID' }, { title: 'N', right: true }, { title: 'NOTE', canShrink: true }];

  it('aligns columns and cuts what does not fit', () => {
    const rows = [
      ['abcdef', '7', 'a note that is too long for it'],
      ['x', '123', ''],
    ];
    expect(table(columns, rows, 26)).toEqual([
      'ID        N  NOTE',
      'abcdef    7  a note that …',
      'x       123',
    ]);
    expect(table(columns, rows, Number.POSITIVE_INFINITY)[1]).toContain('too long for it');
  });

  it('shows nothing that steers a terminal', () => {
    expect(table(columns, [['\x1b[2J', '\x9b', 'a\nb']], 80)[1]).toBe('?[2J  ?  a?b');
    expect(table(columns, [['', '', '\u202egpj.exe\u2066']], 80)[1]).toContain('?gpj.exe?');
    expect(facts([['name', '\x1b[2J']], 80)).toEqual(['name  ?[2J']);
  });
});

describe('nodeProblem', () => {
  it('names both versions where Node is too old', () => {
    expect(nodeProblem('24.0.0')).toBeUndefined();
    expect(nodeProblem('26.1.0')).toBeUndefined();
    expect(nodeProblem('20.19.0')).toMatch(/24 or newer.*20\.19\.0/);
  });
});
