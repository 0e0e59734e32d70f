import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { readResults, resultsOf, temporaryFolder, troupe, writeList } from './troupe.ts';

let site: Playground;
beforeAll(async () => {
  site = await startPlayground({ requestsPerCookie: 1000, flakyRatio: 1 });
});
afterAll(() => site.close());

describe('troupe fetch', () => {
  it('fetches URLs of the command line and writes a JSON line for each', async () => {
    const { code, stdout, stderr } = await troupe(['fetch', `${site.url}/item/1`, `${site.url}/redirect/2`]);
    expect(code).toBe(0);
    const results = resultsOf(stdout);
    expect(results.map(({ url }) => url).sort()).toEqual([`${site.url}/item/1`, `${site.url}/redirect/2`]);
    expect(Object.keys(results[0]!)).toEqual([
      'time',
      'url',
      'finalUrl',
      'status',
      'verdict',
      'sessionId',
      'attempts',
      'ms',
      'bytes',
      'error',
    ]);
    const item = results.find(({ url }) => url.endsWith('/item/1'))!;
    expect(item).toMatchObject({ finalUrl: `${site.url}/item/1?entered=1`, status: 200, verdict: 'ok' });
    expect(item).toMatchObject({ attempts: 1, bytes: 2000, error: null });
    expect(new Date(item.time).getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(stderr).toContain('2 done, 2 good');
  });

  it('reports bad lines with their number and goes on with the rest', async () => {
    await using folder = await temporaryFolder();
    const list = await writeList(folder.path('urls.txt'), [
      '# a comment',
      '',
      `${site.url}/plain/1`,
      'no url',
      `${site.url}/plain/2`,
      '{"url": 1}',
    ]);
    const output = folder.path('out.jsonl');
    const { code, stdout, stderr } = await troupe(['fetch', '--input', list, '--output', output]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('troupe: line 4: not an absolute URL');
    expect(stderr).toContain('troupe: line 6: "url" is missing');
    expect(stderr).toContain('2 done, 2 good, 2 bad input lines');
    expect(await readResults(output)).toHaveLength(2);
  });

  it('sends the method, headers and body of a JSON line', async () => {
    const line = {
      url: `${site.url}/echo`,
      method: 'POST',
      headers: { 'x-key': '7' },
      body: { name: 'Ann' },
    };
    await using folder = await temporaryFolder();
    const args = ['fetch', '--input', '-', '--save-bodies', folder.path('bodies'), '--quiet'];
    const { code, stdout, stderr } = await troupe(args, `${JSON.stringify(line)}\n`);
    expect([code, stderr]).toEqual([0, '']);
    const [result] = resultsOf(stdout);
    expect(result).toMatchObject({ url: `${site.url}/echo`, line: 1, method: 'POST', status: 200 });
    const seen = await readFile(folder.path(`bodies/${result!.body}`), 'utf8');
    expect(JSON.parse(seen)).toMatchObject({ method: 'POST', body: '{"name":"Ann"}' });
    expect(seen).toContain('application/json');
    expect(seen).toContain('x-key');
  });

  it('saves bodies under names that are made of the URL and the type of content', async () => {
    await using folder = await temporaryFolder();
    const args = ['fetch', `${site.url}/item/1`, `${site.url}/gzip`, '--save-bodies', folder.path('b'), '-q'];
    const results = resultsOf((await troupe(args)).stdout);
    const [page, json] = ['/item/1', '/gzip'].map((path) => results.find(({ url }) => url.endsWith(path))!);
    expect(page!.body).toMatch(/^[0-9a-f]{40}\.html$/);
    expect(json!.body).toMatch(/^[0-9a-f]{40}\.json$/);
    expect((await stat(folder.path(`b/${page!.body}`))).size).toBe(page!.bytes);
    await troupe(args);
    expect(await readdir(folder.path('b'))).toHaveLength(2);
  });

  it('retries as another user, and tells what remained bad', async () => {
    const urls = ['/flaky/1', '/status/404', '/status/403', '/status/500', '/drop'].map(
      (path) => site.url + path,
    );
    const { code, stdout, stderr } = await troupe(['fetch', ...urls, '--retries', '1', '--no-progress']);
    expect(code).toBe(1);
    const results = Object.fromEntries(resultsOf(stdout).map((one) => [one.url.slice(site.url.length), one]));
    expect(results['/flaky/1']).toMatchObject({ status: 200, verdict: 'ok', attempts: 2 });
    expect(results['/status/404']).toMatchObject({ status: 404, verdict: 'ok', attempts: 1, error: null });
    expect(results['/status/403']).toMatchObject({ status: 403, verdict: 'blocked', attempts: 2 });
    expect(results['/status/500']).toMatchObject({
      status: 500,
      verdict: 'failed',
      attempts: 2,
      error: null,
    });
    expect(results['/drop']).toMatchObject({ status: null, verdict: 'failed', attempts: 2, bytes: null });
    expect(results['/drop']!.error).toMatch(/^FETCH_RESET: the connection was cut/);
    expect(stderr).toMatch(/verdicts {2}failed 2, ok 2, blocked 1|verdicts {2}ok 2, failed 2, blocked 1/);
    expect(stderr).toContain('retries   4 as another user');
    expect(stderr).toContain('no answer 1');
  });

  it('refuses bodies larger than --max-body, and answers slower than --timeout', async () => {
    const urls = [`${site.url}/bytes/5000`, `${site.url}/slow/3000`];
    const limits = ['--max-body', '4kb', '--timeout', '300ms', '--retries', '0', '-q'];
    const { code, stdout } = await troupe(['fetch', ...urls, ...limits]);
    expect(code).toBe(1);
    const errors = resultsOf(stdout).map(({ error }) => error?.split(':')[0]);
    expect(errors.sort()).toEqual(['FETCH_TIMEOUT', 'FETCH_TOO_LARGE']);
  });

  it('keeps users in a store from run to run', async () => {
    await using folder = await temporaryFolder();
    const args = ['fetch', `${site.url}/item/1`, '--store', `sqlite:${folder.path('users.db')}`, '-q'];
    const [first] = resultsOf((await troupe(args)).stdout);
    const [second] = resultsOf((await troupe(args)).stdout);
    expect(second!.sessionId).toBe(first!.sessionId);
    // The user came back with its cookie: it was not sent to the entry again.
    expect(second!.finalUrl).toBe(`${site.url}/item/1`);
  });

  it('does not write over an output, and refuses to go on with what is none', async () => {
    await using folder = await temporaryFolder();
    const output = folder.path('notes.txt');
    await writeFile(output, 'my notes\nand more');
    const args = ['fetch', `${site.url}/plain/1`, '--output', output];
    const plain = await troupe(args);
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('--resume goes on with it') });
    const resumed = await troupe([...args, '--resume']);
    expect(resumed).toMatchObject({ code: 2, stderr: expect.stringContaining('line 1 of') });
    expect(await readFile(output, 'utf8')).toBe('my notes\nand more');
    expect((await troupe([...args, '--overwrite'])).code).toBe(0);
    expect(await readResults(output)).toHaveLength(1);
  });

  it('never shows credentials, headers or cookies', async () => {
    await using folder = await temporaryFolder();
    const url = site.url.replace('http://', 'http://ann:pa55word@');
    const closed = 'http://ann:pa55word@127.0.0.1:1/';
    const json = {
      url: `${site.url}/set-cookie?crumb=c00kie`,
      headers: { Authorization: 'Bearer t0ken', Cookie: 'own=b1scuit' },
    };
    const list = await writeList(folder.path('list'), [
      `${url}/item/1`,
      closed,
      JSON.stringify(json),
      'http://ann:pa55word@[bad/',
    ]);
    const store = `sqlite:${folder.path('users.db')}`;
    const output = folder.path('out.jsonl');
    const fetched = await troupe(['fetch', '-i', list, '-o', output, '--store', store, '--retries', '0']);
    const mistakes = [await troupe(['fetch', 'http://ann:pa55word@[bad/']), await troupe([`${url}/x`])];
    const views = [['ls'], ['ls', '--json'], ['stats']].map((view) =>
      troupe(['sessions', ...view, '--store', store]),
    );
    const ids = (await readResults(output)).map(({ sessionId }) => sessionId!);
    expect(ids).toHaveLength(3);
    for (const id of ids) {
      views.push(troupe(['sessions', 'show', id, '--store', store]));
      views.push(troupe(['sessions', 'show', id, '--store', store, '--json']));
    }
    const shown = JSON.stringify([
      fetched,
      mistakes,
      await Promise.all(views),
      await readFile(output, 'utf8'),
    ]);
    expect(shown).toContain('uid');
    const uid = site.ledger.snapshot().perUser.at(-1)!.id;
    // The crumb is a part of the URL that was asked for; only its cookie must not be shown.
    for (const secret of ['pa55word', 't0ken', 'b1scuit', btoa('ann:pa55word'), uid])
      expect(shown).not.toContain(secret);
    expect(fetched.stderr).toContain('line 4: not an absolute URL');
  });
});
