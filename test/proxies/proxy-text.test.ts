import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SessionPool } from '../../src/index.ts';
import { readProxySource } from '../../src/proxies/proxy-source.ts';
import { readProxyList, readProxyText } from '../../src/proxies/proxy-text.ts';

const read = (text: string) => readProxyText(text, 'proxies.txt');

const accepted: [line: string, url: string, country?: string][] = [
  ['http://user:pass@host.example:8080', 'http://user:pass@host.example:8080'],
  ['https://host.example:443 de', 'https://host.example:443', 'DE'],
  ['socks5://u:p@10.0.0.1:1080', 'socks5://u:p@10.0.0.1:1080'],
  ['10.0.0.1:3128', 'http://10.0.0.1:3128'],
  ['gate.example:7000:user:pass', 'http://user:pass@gate.example:7000'],
  ['gate.example:7000:user:p@ss/w:rd', 'http://user:p%40ss%2Fw%3Ard@gate.example:7000'],
  ['gate.example:7000:user-session-{session}:pass', 'http://user-session-{session}:pass@gate.example:7000'],
  ['[::1]:8080', 'http://[::1]:8080'],
  ['host:1:user:with#mark # a comment', 'http://user:with%23mark@host:1'],
];

describe('a line of a file of proxies', () => {
  it.each(accepted)('is read: %s', (line, url, country) => {
    expect(read(line)).toEqual([country ? { url, country } : { url }]);
  });

  const refused: [line: string, why: string][] = [
    ['ftp://u:SECRET@host:21', 'http: https: socks5:'],
    ['host', 'host:port:user:password'],
    ['host:99999:user:SECRET', 'a proxy must be a URL'],
    ['http://host:1 germany', 'two letters'],
    ['http://host:1 DE http://u:SECRET@host:2', 'only a country'],
    ['http://u:SECRET@{session}.example:1', '{session}'],
    ['http://SECRET:12/34@host:8080', '%2F'],
    ['http://SECRET:1#SECRET@host:8080', '%23'],
    ['socks5://SECRET:1?SECRET@host:8080', '%3F'],
    ['user:SECRET@host:8080', 'host:port:user:password'],
  ];
  it.each(refused)('is refused, by its number, without what stands there: %s', (line, why) => {
    const attempt = () => read(`# proxies of today\n\nhttp://host:1 DE\n${line}\n`);
    expect(attempt).toThrow(/^proxies\.txt, line 4/);
    expect(attempt).toThrow(why);
    expect(attempt).not.toThrow(/SECRET/);
  });

  it('is refused the second time', () => {
    expect(() => read('http://u:SECRET@h:1\nhttp://u:SECRET@h:1')).toThrow(
      'proxies.txt, line 2 is the same proxy as proxies.txt, line 1',
    );
  });
});

describe('a file of proxies', () => {
  it('may have comments, empty lines, Windows line ends and a byte order mark', () => {
    expect(read('\uFEFF# mine\r\n\r\n10.0.0.1:1 # first\r\n  10.0.0.2:2\r\n')).toEqual([
      { url: 'http://10.0.0.1:1' },
      { url: 'http://10.0.0.2:2' },
    ]);
  });

  it('may be JSON, of URLs and of records', () => {
    const records = [{ id: 'a', url: 'http://u:p@h:1', country: 'FR' }, 'socks5://h:2', 'h:3'];
    expect(read(JSON.stringify(records))).toEqual([
      records[0],
      { url: 'socks5://h:2' },
      { url: 'http://h:3' },
    ]);
  });

  const badJson: [text: string, why: string][] = [
    ['["http://u:SECRET@h:1"', 'begins like JSON, and is none'],
    [
      '[{"id":"a","ulr":"http://u:SECRET@h:1"}]',
      'unknown option "proxies.txt.0.ulr"; known: id, url, country',
    ],
    ['["h:1", {"url":"u:SECRET@h"}]', 'proxies.txt.1.url'],
    ['[{"http://u:SECRET@h:1":"DE"}]', 'unknown option "proxies.txt.0.…"'],
    ['[{"id":"http://u:SECRET@h:1","url":"http://h:1"}]', 'must hold no user name'],
    ['[{"id":"u:SECRET@h","url":"http://h:1"}]', 'must hold no user name'],
    ['[{"url":"http://h:1","country":"Germany"}]', 'proxies.txt.0.country'],
    ['[{"id":"a","url":"http://h:1"},{"id":"a","url":"http://h:2"}]', 'proxies.txt.1 is the same proxy'],
  ];
  it.each(badJson)('says what is wrong in JSON, without a password: %s', (text, why) => {
    expect(() => read(text)).toThrow(why);
    expect(() => read(text)).not.toThrow(/SECRET/);
  });
});

describe('a list of proxies', () => {
  it.each(['http://u:SECRET@h:1', 'h:1:u:SECRET', 'u:SECRET@h:1'])(
    'is no path of a file, which would be shown: %s',
    async (given) => {
      const why = 'looks like a proxy: put it in a list, or in a file';
      expect(() => new SessionPool({ proxies: given })).toThrow(why);
      const error = await readProxySource(given).catch((error: unknown) => error);
      expect(inspect(error, { depth: 9, showHidden: true })).toContain(why);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('SECRET');
    },
  );

  it('refuses what is neither text nor a record', () => {
    expect(() => readProxyList([1], 'proxies')).toThrow('option "proxies.0" must be an object');
  });

  it('takes two that differ only by password for two', () => {
    expect(readProxyList(['http://u:a@h:1', 'http://u:b@h:1'], 'proxies')).toHaveLength(2);
  });
});
