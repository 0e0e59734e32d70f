import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { ask, Visitor } from './client.ts';

describe('redirects', () => {
  let site: Playground;
  beforeAll(async () => {
    site = await startPlayground();
  });
  afterAll(() => site.close());

  it('set a cookie at every hop of a chain with mixed statuses, and the end tells which arrived', async () => {
    await using visitor = new Visitor(site);
    const statuses = new Set<number>();
    let answer = await visitor.hop('/redirect/5');
    for (; answer.headers.location; answer = await visitor.hop(String(answer.headers.location))) {
      statuses.add(answer.status);
    }
    expect([...statuses].sort()).toEqual([301, 302, 303, 307, 308]);
    const { method, cookies } = JSON.parse(answer.body);
    expect(method).toBe('GET');
    expect(Object.keys(cookies).sort()).toEqual(['hop1', 'hop2', 'hop3', 'hop4', 'hop5', 'mate', 'uid']);
  });

  it('tell at the end which method and body arrived, when all hops have one status', async () => {
    const answer = await fetch(`${site.url}/redirect/2?status=307`, { method: 'POST', body: 'payload' });
    expect(await answer.json()).toMatchObject({ method: 'POST', body: 'payload' });
    const turned = await fetch(`${site.url}/redirect/2?status=303`, { method: 'POST', body: 'payload' });
    expect(await turned.json()).toMatchObject({ method: 'GET', body: '' });
  });

  it('can go on forever', async () => {
    expect((await ask(`${site.url}/redirect-loop`)).headers.location).toBe('/redirect-loop');
    await expect(fetch(`${site.url}/redirect-loop`)).rejects.toThrow();
  });

  it.each(['http://localhost:1/a', 'http://127.8.9.1:2/', 'https://[::1]/x'])('lead to %s', async (url) => {
    const answer = await ask(`${site.url}/redirect-to?url=${encodeURIComponent(url)}&status=308`);
    expect(answer).toMatchObject({ status: 308, headers: { location: url } });
  });

  it.each([
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'javascript:1',
    'ftp://127.0.0.1/',
    'http://',
  ])('do not lead to %s', async (url) => {
    expect((await ask(`${site.url}/redirect-to?url=${encodeURIComponent(url)}`)).status).toBe(400);
  });
});
