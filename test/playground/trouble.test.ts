import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { ask } from './client.ts';

const firstStatuses = async (site: Playground, pages: number): Promise<number[]> => {
  // From the last to the first: the order of requests must not matter.
  const statuses: number[] = new Array(pages);
  for (let page = pages - 1; page >= 0; page--)
    statuses[page] = (await ask(`${site.url}/flaky/${page}`)).status;
  return statuses;
};

describe('flaky pages', () => {
  it('fail at the first attempt only, as often as the ratio says', async () => {
    await using site = await startPlayground({ flakyRatio: 0.5, seed: 7 });
    const first = await firstStatuses(site, 200);
    const count = (status: number) => first.filter((each) => each === status).length;
    expect(count(500) + count(503)).toBeGreaterThan(70);
    expect(count(500) + count(503)).toBeLessThan(130);
    expect(Math.min(count(500), count(503))).toBeGreaterThan(20);
    expect(await firstStatuses(site, 200)).toEqual(new Array(200).fill(200));
  });

  it('fail the same way in every run with that seed, and in another way with another', async () => {
    await using one = await startPlayground({ seed: 3 });
    await using same = await startPlayground({ seed: 3 });
    await using other = await startPlayground({ seed: 4 });
    const statuses = await firstStatuses(one, 50);
    expect(await firstStatuses(same, 50)).toEqual(statuses);
    expect(await firstStatuses(other, 50)).not.toEqual(statuses);
  });

  it('say no Retry-After', async () => {
    await using site = await startPlayground({ flakyRatio: 1 });
    expect((await ask(`${site.url}/flaky/1`)).headers['retry-after']).toBeUndefined();
  });
});

describe('slow and broken answers', () => {
  let site: Playground;
  beforeAll(async () => {
    site = await startPlayground();
  });
  afterAll(() => site.close());

  it('hold back the head', async () => {
    const startedAt = performance.now();
    expect((await ask(`${site.url}/slow/50`)).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(48);
  });

  it('hold back half of the body', async () => {
    const answer = await fetch(`${site.url}/slow-body/50`);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('first half');
    expect((await reader.read()).value).toBe('secondhalf');
  });

  it('are given up when the client leaves', async () => {
    await expect(fetch(`${site.url}/slow/30000`, { signal: AbortSignal.timeout(30) })).rejects.toThrow();
    await expect.poll(() => site.ledger.snapshot().byStatus.aborted).toBe(1);
  });

  it('take no longer than a minute', async () => {
    expect((await ask(`${site.url}/slow/60001`)).status).toBe(400);
  });

  it('cut the connection before the head, or in the middle of the body', async () => {
    await expect(ask(`${site.url}/drop`)).rejects.toThrow();
    const answer = await fetch(`${site.url}/drop-body`);
    expect(answer.headers.get('content-length')).toBe('1000');
    await expect(answer.text()).rejects.toThrow();
  });

  it.each([204, 304, 418, 503])('have the status %i', async (status) => {
    expect((await ask(`${site.url}/status/${status}`)).status).toBe(status);
  });

  it('say Retry-After as asked', async () => {
    const answer = await ask(`${site.url}/status/503?retry-after=17`);
    expect(answer.headers['retry-after']).toBe('17');
  });

  it.each(['/status/99', '/status/600', '/status/x', '/slow/-1', '/item/1e3'])('refuse %s', async (path) => {
    expect((await ask(site.url + path)).status).toBe(400);
  });
});
