import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { UsageError } from '../../src/cli/exit-codes.ts';
import { parseQueueUrl } from '../../src/cli/queue/queue-url.ts';
import { UrlQueue } from '../../src/cli/queue/url-queue.ts';
import { redisUrl } from '../servers/index.ts';
import { QueueScene, until } from './queue-scene.ts';
import { readResults, runScript, temporaryFolder, troupe } from './troupe.ts';

let site: Playground;
beforeAll(async () => {
  site = await startPlayground({ requestsPerCookie: 100_000 });
});
afterAll(() => site.close());

const pages = (count: number, path = 'plain') =>
  Array.from({ length: count }, (_, n) => `${site.url}/${path}${path.includes('?') ? '' : '/'}${n}`);

describe.skipIf(!redisUrl)('a list in a queue', { timeout: 90_000 }, () => {
  it('is shared by workers, each URL once, and all show the progress of the whole', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const urls = pages(250, 'slow/200?n=');
    const fetching = await scene.fetch('list', urls);
    const workers = [scene.work('-c', '4'), scene.work('-c', '4')];
    const { code, stdout, stderr } = await fetching.ended;
    expect([code, stdout]).toEqual([0, '']);
    await scene.expectAll('list', urls);
    const shares = [...(await scene.workers('list')).values()];
    expect(shares).toHaveLength(2);
    expect(Math.min(...shares)).toBeGreaterThan(50);
    expect(stderr).toContain('250 done, 250 good');
    expect(stderr).toContain('workers   2: ');
    const standing = /troupe: \d+\/250 \d+%, [\d.]+\/s.*; 2 workers; \d+ waiting, [1-8] in work, 0 failed/;
    expect(stderr).toMatch(standing);
    for (const { child } of workers) child.kill('SIGINT');
    for (const worker of await Promise.all(workers.map(({ ended }) => ended))) {
      expect(worker.code).toBe(130);
      expect(worker.stderr).toMatch(standing);
    }
  });

  it('goes into outputs of their own where two are handed out at once', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const [few, many] = [pages(40, 'slow/20?few='), pages(200, 'slow/20?many=')];
    scene.work('-q');
    const fetching = [await scene.fetch('few', few, '-q'), await scene.fetch('many', many, '-q')];
    for (const { ended } of fetching) expect(await ended).toEqual({ code: 0, stdout: '', stderr: '' });
    await scene.expectAll('few', few);
    await scene.expectAll('many', many);
    const second = scene.work('--until-empty', '-q');
    expect(await second.ended).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('is fetched by its own process too, where that has a store; the terms go with the list', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const post = { url: `${site.url}/echo`, method: 'POST', headers: { 'x-key': '7' }, body: { a: 1 } };
    const lines = [
      `${site.url}/plain/1`,
      'no url',
      JSON.stringify(post),
      `${site.url}/status/500`,
      `${site.url}/bytes/5000`,
    ];
    const args = ['--store', scene.store, '--retries', '1', '--max-body', '4kb'];
    const { code, stderr } = await (await scene.fetch('list', lines, ...args)).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('line 2: not an absolute URL');
    expect(stderr).toContain('4 done, 2 good, 2 failed, 1 bad input line');
    const results = await readResults(scene.output('list'));
    const of = (path: string) => results.find(({ url }) => url.endsWith(path));
    expect(of('/echo')).toMatchObject({ line: 3, method: 'POST', status: 200, attempts: 1 });
    expect(of('/status/500')).toMatchObject({ verdict: 'failed', attempts: 2 });
    expect(of('/bytes/5000')!.error).toContain('FETCH_TOO_LARGE');
  });

  it('stays in the queue on Ctrl-C, for --resume to go on with, or for rm to take out', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const urls = pages(300, 'slow/20?n=');
    const worker = scene.work('-q', '-c', '2');
    for (const name of ['kept', 'dropped']) {
      const fetching = await scene.fetch(name, urls);
      await scene.untilLines(name, 5);
      fetching.child.kill('SIGINT');
      const { code, stderr } = await fetching.ended;
      expect(code).toBe(130);
      const [, left, list] = /(\d+) URLs stay in the queue: .*`troupe queue rm (\w+)`/.exec(stderr)!;
      expect(Number(left)).toBeGreaterThan(100);
      const shown = await scene.command('queue', 'ls').ended;
      expect(shown.stdout).toMatch(new RegExp(`${list} +\\d+/300 +0 +${name}.jsonl +nobody: .*--resume`));
      if (name === 'kept') {
        const resumed = await scene.fetch(name, urls, '--resume', '-q');
        expect(await resumed.ended).toMatchObject({ code: 0, stderr: '' });
        await scene.expectAll(name, urls);
      } else {
        expect((await scene.command('queue', 'rm', list!).ended).stdout).toMatch(
          /^removed \w+: \d+ URLs waited/,
        );
        expect((await scene.command('queue', 'rm', list!).ended).code).toBe(1);
        await until(async () =>
          (await scene.command('queue', 'ls').ended).stdout.includes('no lists; 1 worker, 0 in work'),
        );
      }
    }
    worker.child.kill('SIGINT');
    expect((await worker.ended).code).toBe(130);
  });

  it('is handed out by one at a time', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const urls = pages(3, 'slow/100?n=');
    const first = await scene.fetch('list', urls);
    await until(async () => (await scene.command('queue', 'ls').ended).stdout.includes('list.jsonl'));
    const second = await scene.fetch('list', urls, '--resume');
    expect(await second.ended).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/hands this list out; stop that one first/),
    });
    scene.work('-q');
    expect((await first.ended).code).toBe(0);
    await scene.expectAll('list', urls);
    expect((await first.ended).stderr).toContain(`no worker yet; to start one: troupe work --queue redis://`);
  });
});

describe.skipIf(!redisUrl)('a queue that cannot be used', { timeout: 60_000 }, () => {
  const open = async (queue: string) =>
    UrlQueue.open(parseQueueUrl(queue), { away: () => {}, back: () => {} });

  it('is told of in clear words, without a password', async () => {
    await using locked = await startRedis({ password: 's3cret' });
    await using evicting = await startRedis({ config: ['--maxmemory-policy', 'allkeys-lru'] });
    const cases = [
      [locked.url.replace('s3cret', 'wr0ng'), 'wrong user name or password'],
      [locked.url.replace(':s3cret@', ''), 'it asks for a password'],
      [evicting.url, 'maxmemory-policy allkeys-lru'],
      ['redis://:s3cret@127.0.0.1:1', 'nobody listens there (ECONNREFUSED)'],
      ['redis://:s3cret@nowhere.invalid', 'nowhere.invalid'],
      ['http://:s3cret@host', '--queue must be the URL of a Redis'],
    ] as const;
    for (const [queue, words] of cases) {
      const error = await open(queue).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toContain(words);
      expect((error as Error).message).not.toMatch(/s3cret|wr0ng/);
    }
    const { code, stdout, stderr } = await troupe(['queue', 'ls', '--queue', cases[0][0]]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^troupe: the queue redis:\/\/127.0.0.1:\d+ cannot be used: wrong user.*\n$/);
  });

  it('is told of where its packages are not installed', async () => {
    await using folder = await temporaryFolder();
    const root = fileURLToPath(new URL('../../', import.meta.url));
    await cp(`${root}src`, folder.path('src'), { recursive: true });
    await cp(`${root}package.json`, folder.path('package.json'));
    await mkdir(folder.path('node_modules'));
    for (const name of await readdir(`${root}node_modules`)) {
      if (['bullmq', 'redis', '.bin'].includes(name)) continue;
      await symlink(`${root}node_modules/${name}`, folder.path(`node_modules/${name}`));
    }
    const main = folder.path('src/cli/main.ts');
    const { code, stderr } = await runScript(main, ['work', '--queue', redisUrl, '--store', 'memory:']);
    expect(code).toBe(2);
    expect(stderr).toContain('needs the packages "bullmq" and "redis"');
    expect(stderr).toContain('npm install bullmq redis');
  });

  it('is not given options that its workers have', async () => {
    const fetch = (...args: string[]) => troupe(['fetch', 'http://localhost/', '--queue', redisUrl, ...args]);
    expect(await fetch('--concurrency', '9')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--concurrency belongs to `troupe work`'),
    });
    expect((await fetch('--save-bodies', 'x', '--store', 'memory:')).stderr).toContain(
      '--save-bodies belongs',
    );
    expect((await troupe(['work', '--queue', redisUrl])).stderr).toContain('--store is missing');
    expect((await troupe(['queue', 'ls'])).stderr).toContain('--queue is missing');
  });
});

describe('the URL of a queue', () => {
  it.each([
    ['redis://localhost', 'redis://localhost', 'troupe', 'redis://localhost'],
    [
      'redis://ann:pw@host:7000/2?queue=news',
      'redis://ann:pw@host:7000/2',
      'news',
      'redis://host:7000/2?queue=news',
    ],
    ['rediss://:pw@host', 'rediss://:pw@host', 'troupe', 'rediss://host'],
  ])('%s', (text, url, name, shown) => {
    expect(parseQueueUrl(text)).toEqual({ url, name, shown });
  });

  it.each([
    'redis://',
    'localhost:6379',
    'redis://h/x',
    'redis://h?pool=a',
    'redis://h?queue=a:b',
    'redis://h?queue=',
    'redis://:50%@h',
  ])('%s is none', (text) => {
    expect(() => parseQueueUrl(text)).toThrow(/--queue/);
  });
});
