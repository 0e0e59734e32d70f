import { appendFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { redisUrl } from '../servers/index.ts';
import { QueueScene, until } from './queue-scene.ts';
import { countLines, readResults } from './troupe.ts';

let site: Playground;
beforeAll(async () => {
  site = await startPlayground({ requestsPerCookie: 100_000 });
});
afterAll(() => site.close());

const pages = (count: number, ms: number, name: string) =>
  Array.from({ length: count }, (_, n) => `${site.url}/slow/${ms}?${name}=${n}`);

// Beside each other: most of it is waiting for locks to run out.
describe.skipIf(!redisUrl).concurrent('a shared list', { timeout: 150_000 }, () => {
  it('is done once when workers are killed in the middle of it', async () => {
    await using scene = await QueueScene.on(redisUrl, 'sqlite');
    const urls = pages(300, 100, 'killed');
    const fetching = await scene.fetch('list', urls, '-q');
    const doomed = [scene.work('-q', '-c', '4'), scene.work('-q', '-c', '4')];
    scene.work('-q', '-c', '4');
    for (const [index, { child }] of doomed.entries()) {
      await scene.untilLines('list', 40 * (index + 1));
      child.kill('SIGKILL');
    }
    expect(await fetching.ended).toEqual({ code: 0, stdout: '', stderr: '' });
    await scene.expectAll('list', urls);
    expect((await scene.workers('list')).size).toBeGreaterThan(1);
  });

  it('takes nothing from a worker that stood still until another had done its URLs', async () => {
    await using scene = await QueueScene.on(redisUrl);
    // The last one keeps the list open while the worker that stood still comes back.
    const urls = [...pages(4, 2_000, 'stalled'), `${site.url}/slow/15000?last`];
    const fetching = await scene.fetch('list', urls, '-q');
    const stalled = scene.work('-c', '4', '--no-progress');
    await until(async () => (await scene.inWork()) === 4);
    stalled.child.kill('SIGSTOP');
    scene.work('-q', '-c', '5');
    await scene.untilLines('list', 4);
    const byTheOther = await scene.workers('list');
    stalled.child.kill('SIGCONT');
    expect((await fetching.ended).code).toBe(0);
    await scene.expectAll('list', urls);
    expect([...byTheOther.values()]).toEqual([4]);
    stalled.child.kill('SIGINT');
    const { code, stderr } = await stalled.ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining('URLs      0 done')]);
    expect(await scene.keptJobs()).toBe(0);
  });

  it('is collected once when who collects is killed, and started again', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const urls = [...pages(400, 20, 'collected'), `${site.url}/slow/20?collected=1`];
    scene.work('-q');
    const first = await scene.fetch('list', urls, '-q');
    await scene.untilLines('list', 60);
    first.child.kill('SIGKILL');
    await first.ended;
    // What a crash of the machine may leave: half a line.
    await appendFile(scene.output('list'), '{"time":"2026-01-01T00:00:00.000Z","url":"http://127.0');
    const second = await scene.fetch('list', urls, '--resume', '-q');
    // It waits until it is sure that nobody else hands the list out.
    expect((await second.ended).code).toBe(0);
    await scene.expectAll('list', urls);
    expect(await scene.keptJobs()).toBe(0);
  });

  it.each([
    ['remembers', ['--appendonly', 'yes']],
    ['forgets', ['--appendonly', 'no']],
  ])('goes on when its Redis is killed, started again, and %s', async (_name, config) => {
    await using server = await startRedis({ config });
    await using scene = await QueueScene.on(server.url);
    const urls = pages(200, 50, 'restarted');
    const worker = scene.work('--no-progress');
    const fetching = await scene.fetch('list', urls, '--no-progress');
    await scene.untilLines('list', 30);
    await server.kill();
    const before = await countLines(scene.output('list'));
    await server.start();
    const { code, stderr } = await fetching.ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining("queue's Redis is back")]);
    expect(before).toBeLessThan(200);
    await scene.expectAll('list', urls);
    worker.child.kill('SIGINT');
    expect(await worker.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('is back') });
  });

  it('can be left while its Redis is away, and gone on with when that is back', async () => {
    await using server = await startRedis();
    await using scene = await QueueScene.on(server.url, 'sqlite');
    const urls = pages(60, 50, 'left');
    const worker = scene.work('--no-progress');
    const fetching = await scene.fetch('list', urls, '--no-progress');
    await scene.untilLines('list', 5);
    const told = new Promise((resolve) => worker.child.stderr!.once('data', resolve));
    await server.kill();
    await told;
    for (const { child } of [worker, fetching]) child.kill('SIGINT');
    expect((await fetching.ended).code).toBe(130);
    expect((await worker.ended).code).toBe(130);
    await server.start();
    scene.work('-q');
    const resumed = await scene.fetch('list', urls, '--resume', '-q');
    expect((await resumed.ended).code).toBe(0);
    await scene.expectAll('list', urls);
  });

  it('gets back at once what a stopped worker had in hand', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const urls = [`${site.url}/slow/9000?stopped`];
    const fetching = await scene.fetch('list', urls, '-q');
    const stopped = scene.work('--no-progress');
    await until(async () => (await scene.inWork()) === 1);
    const told = new Promise((resolve) => stopped.child.stderr!.once('data', resolve));
    stopped.child.kill('SIGINT');
    await told;
    stopped.child.kill('SIGINT');
    const { code, stderr } = await stopped.ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining('1 given back to the queue')]);
    expect(await scene.inWork()).toBe(0);
    scene.work('-q');
    expect((await fetching.ended).code).toBe(0);
    await scene.expectAll('list', urls);
  });

  it('gives up a URL that was lost with too many workers', async () => {
    await using scene = await QueueScene.on(redisUrl);
    const urls = [`${site.url}/slow/9000?deadly`];
    const fetching = await scene.fetch('list', urls, '-q');
    const doomed = scene.work('-q');
    await until(async () => (await scene.inWork()) === 1);
    // As if three had been lost before: each would take 10 s and more.
    await scene.redis(async (client) => {
      const [id] = await client.lRange(scene.jobKey('active'), 0, 0);
      await client.hSet(scene.jobKey(id!), 'stc', 3);
    });
    doomed.child.kill('SIGKILL');
    scene.work('-q');
    expect((await fetching.ended).code).toBe(1);
    const [result, ...others] = await readResults(scene.output('list'));
    expect(others).toEqual([]);
    expect(result).toMatchObject({ url: urls[0], status: null, verdict: null });
    expect(result!.error).toBe('WORKER_LOST: 4 workers were gone before it was done');
  });
});
