import { appendFile, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { countLines, readResults, startTroupe, temporaryFolder, troupe, writeList } from './troupe.ts';

let site: Playground;
beforeAll(async () => {
  site = await startPlayground({ requestsPerCookie: 100_000 });
});
afterAll(() => site.close());

const pages = (count: number, path: string) =>
  Array.from({ length: count }, (_, n) => `${site.url}/${path}/${n}`);

async function statsOf(store: string): Promise<{ sessions: { usable: number; leased: number } }> {
  return JSON.parse((await troupe(['sessions', 'stats', '--json', '--store', store])).stdout);
}

describe('a run that ends early', () => {
  it('goes on after kill -9: every URL once in the output, with the users of before', async () => {
    await using folder = await temporaryFolder();
    const store = `sqlite:${folder.path('users.db')}`;
    const output = folder.path('out.jsonl');
    const urls = [...pages(600, 'item'), `${site.url}/item/1`];
    const post = JSON.stringify({ url: `${site.url}/echo`, method: 'POST', body: 'one' });
    const list = await writeList(folder.path('urls.txt'), [post, ...urls, post.replace('one', 'two')]);
    const args = ['fetch', '-i', list, '-o', output, '--store', store, '--resume', '-q'];
    let kills = 0;
    for (const atLeast of [50, 250]) {
      const { child, ended } = startTroupe(args);
      await expect.poll(() => countLines(output), { timeout: 60_000, interval: 5 }).toBeGreaterThan(atLeast);
      child.kill('SIGKILL');
      expect((await ended).code).toBeNull();
      kills += 1;
      // What a crash of the machine may leave: half a line.
      await appendFile(output, '{"time":"2026-01-01T00:00:00.000Z","url":"http://127.0');
    }
    expect(kills).toBe(2);
    const before = new Set((await readFile(output, 'utf8')).match(/"sessionId":"[^"]+"/g));
    expect(await troupe(args)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const results = await readResults(output);
    const posts = results.filter(({ method }) => method === 'POST');
    expect(posts.map(({ line }) => line).sort()).toEqual([1, 603]);
    const got = results.filter(({ method }) => method === undefined);
    expect(got.map(({ url }) => url).sort()).toEqual(urls.sort());
    expect(results.every(({ verdict }) => verdict === 'ok')).toBe(true);
    // Users that a killed process held are locked until their lease ends; nobody is lost, and nobody mixed up.
    const { sessions } = await statsOf(store);
    expect(sessions.usable).toBeGreaterThanOrEqual(8);
    expect(before.size).toBeGreaterThanOrEqual(8);
    expect(site.ledger.summary()).toMatchObject({ mixed: 0 });
    expect(await troupe(args)).toMatchObject({ code: 0, stderr: '' });
    expect(await countLines(output)).toBe(603);
  });

  it('does again what had failed, where that is asked for', async () => {
    await using folder = await temporaryFolder();
    const output = folder.path('out.jsonl');
    const args = [
      'fetch',
      `${site.url}/status/500`,
      `${site.url}/plain/1`,
      '-o',
      output,
      '--retries',
      '0',
      '-q',
    ];
    expect((await troupe(args)).code).toBe(1);
    expect((await troupe([...args, '--resume'])).code).toBe(0);
    expect(await countLines(output)).toBe(2);
    expect((await troupe([...args, '--resume', '--retry-failed'])).code).toBe(1);
    expect(await countLines(output)).toBe(3);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'finishes what is under way on %s, gives every user back and exits with 130',
    async (signal) => {
      await using folder = await temporaryFolder();
      const store = `sqlite:${folder.path('users.db')}`;
      const output = folder.path('out.jsonl');
      const list = await writeList(
        folder.path('urls.txt'),
        pages(200, 'slow').map((url) => url.replace(/\d+$/, '400')),
      );
      // More ask than there are users: some wait in line when the signal comes.
      const args = ['fetch', '-i', list, '-o', output, '--store', store, '--pool-size', '3', '--no-progress'];
      const { child, ended } = startTroupe(args);
      await expect.poll(() => countLines(output), { timeout: 60_000, interval: 10 }).toBeGreaterThan(2);
      const stopping = new Promise<void>((resolve) => {
        child.stderr!.on('data', (text: string) => text.includes('troupe: stopping') && resolve());
      });
      child.kill(signal);
      await stopping;
      const atStop = site.ledger.summary().requests;
      const { code, stderr } = await ended;
      expect(code).toBe(130);
      expect(stderr).toContain('troupe: stopping');
      const results = await readResults(output);
      // The three under way came in; nothing was begun after them, and nothing was cut off.
      expect(site.ledger.summary().requests - atStop).toBeLessThanOrEqual(3);
      expect(results.length).toBeLessThan(200);
      expect(results.every(({ status }) => status === 200)).toBe(true);
      expect(stderr).toContain(`${results.length} done, ${results.length} good`);
      expect((await statsOf(store)).sessions).toMatchObject({ usable: 3, leased: 0 });
    },
  );

  it('cuts off what is under way at the second Ctrl-C', async () => {
    await using folder = await temporaryFolder();
    const store = `sqlite:${folder.path('users.db')}`;
    const { child, ended } = startTroupe(['fetch', `${site.url}/slow/20000`, '--store', store]);
    const before = site.ledger.summary().requests;
    await expect.poll(() => site.ledger.summary().requests, { timeout: 60_000 }).toBeGreaterThan(before);
    const startedAt = performance.now();
    child.kill('SIGINT');
    await new Promise((resolve) => child.stderr!.once('data', resolve));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect([code, stdout]).toEqual([130, '']);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect(stderr).toContain('1 given up when stopped');
    expect((await statsOf(store)).sessions.leased).toBe(0);
  });

  it('leaves to the next run what it would have tried again', async () => {
    await using folder = await temporaryFolder();
    const output = folder.path('out.jsonl');
    const { child, ended } = startTroupe(['fetch', `${site.url}/status/500`, '-o', output, '--retries', '9']);
    const before = site.ledger.summary().requests;
    await expect.poll(() => site.ledger.summary().requests, { timeout: 60_000 }).toBeGreaterThan(before + 1);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('1 given up when stopped'),
    });
    expect(await readFile(output, 'utf8')).toBe('');
  });

  it('does not wait for a standard input that stays open', async () => {
    const { child, ended } = startTroupe(['fetch', '--input', '-']);
    child.stdin!.write(`${site.url}/plain/1\n`);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
  });

  it('ends quietly when nobody reads the results any more', async () => {
    const { child, ended } = startTroupe(
      ['fetch', '--input', '-', '-q'],
      `${pages(500, 'plain').join('\n')}\n`,
    );
    child.stdout!.once('data', () => child.stdout!.destroy());
    expect(await ended).toMatchObject({ code: 2, stderr: '' });
  });
});
