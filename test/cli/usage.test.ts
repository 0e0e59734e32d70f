import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { redisUrl } from '../servers/index.ts';
import { temporaryFolder, troupe } from './troupe.ts';

const commands = [
  [],
  ['fetch'],
  ['sessions'],
  ...['ls', 'show', 'stats', 'retire', 'revive', 'rm', 'rest'].map((name) => ['sessions', name]),
];

describe('--help', () => {
  it.each(commands.map((command) => [command]))('of %j shows an example', async (command) => {
    const { code, stdout, stderr } = await troupe([...command, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Usage: troupe/);
    expect(stdout).toContain('$ troupe ');
  });

  it('names defaults and exit codes', async () => {
    // Lines are wrapped for terminals.
    const stdout = (await troupe(['fetch', '--help'])).stdout.replaceAll(/\s+/g, ' ');
    for (const text of ['default: 8', 'default: 30s', 'default: 32mb', 'default: "memory:"'])
      expect(stdout).toContain(text);
    expect((await troupe(['--help'])).stdout).toMatch(/130 +stopped by Ctrl-C/);
  });

  it('is shown where no command is given', async () => {
    expect(await troupe([])).toMatchObject({ code: 2, stderr: expect.stringContaining('Commands:') });
  });

  it('has the version beside it', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await troupe(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe('wrong usage', () => {
  it.each([
    [['fetch', '--conurrency', '3'], '(Did you mean --concurrency?)'],
    [['session', 'ls'], '(Did you mean sessions?)'],
    [['fetch'], 'nothing to fetch'],
    [['fetch', 'example.com/x'], '(https://example.com/x?)'],
    [['fetch', 'http://a.test/', '--timeout', '5'], 'the unit is missing'],
    [['fetch', 'http://a.test/', '--pool-size', '0'], 'a whole number, 1 to'],
    [['fetch', 'http://a.test/', '--rotation', 'wild'], 'Allowed choices are'],
    [['fetch', 'http://a.test/', '--resume'], '--resume needs --output FILE'],
    [['fetch', 'http://a.test/', '--retry-failed'], '--retry-failed belongs to --resume'],
    [['fetch', '--input', 'there/is/no/such.file'], 'no such file'],
    [['fetch', 'http://a.test/', '--store', 'sqlite:no/such/folder/x.db'], 'there is no folder'],
    [['fetch', 'http://a.test/', '--output', 'no/such/folder/out'], 'no such file'],
    [['sessions', 'show'], "missing required argument 'id'"],
    [['sessions', 'rest', 'ann', 'soon', '--store', 'sqlite:x.db'], 'a duration such as'],
  ])('%j exits with 2 and says what to do', async (args, message) => {
    const { code, stdout, stderr } = await troupe(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  it.each([
    ['a URL', ['proxies', 'http://ann:S3CRET@127.0.0.1:1']],
    ['as providers write it', ['proxies', '127.0.0.1:1:ann:S3CRET']],
  ])('shows no password of a proxy in the wrong place (%s)', async (_, args) => {
    const { code, stderr } = await troupe(args);
    expect(code).toBe(2);
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr).not.toContain('S3CRET');
  });

  it('refuses a store that is none and leaves it as it is', async () => {
    await using folder = await temporaryFolder();
    const path = folder.path('letter.db');
    const { writeFile, readFile } = await import('node:fs/promises');
    await writeFile(path, 'Dear Ann, this is not a database, but a letter. '.repeat(10));
    for (const args of [
      ['fetch', 'http://a.test/'],
      ['sessions', 'ls'],
    ]) {
      const { code, stderr } = await troupe([...args, '--store', `sqlite:${path}`]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('not an SQLite file')]);
    }
    expect(await readFile(path, 'utf8')).toMatch(/^Dear Ann/);
  });
});

it.skipIf(!redisUrl)('warns in its own words of a Redis that forgets', async () => {
  await using server = await startRedis({ config: ['--appendonly', 'no'] });
  const { code, stderr } = await troupe([
    'fetch',
    'http://127.0.0.1:1/',
    '-q',
    '--retries',
    '0',
    '--store',
    server.url,
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^troupe: redis:\S+ keeps no append-only file/);
  expect(stderr).not.toMatch(/node:|trace-warnings/);
});
