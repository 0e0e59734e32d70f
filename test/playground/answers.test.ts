import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { ask } from './client.ts';

describe('the pages without a defence', () => {
  let site: Playground;
  beforeAll(async () => {
    site = await startPlayground();
  });
  afterAll(() => site.close());

  it('answer plainly, and set no cookie', async () => {
    const answer = await ask(`${site.url}/plain/5?x=1`);
    expect(answer).toMatchObject({ status: 200, body: 'plain 5\n', setCookies: [] });
  });

  it('answer HEAD without a body', async () => {
    const answer = await ask(`${site.url}/plain/5`, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '', headers: { 'content-length': '8' } });
  });

  it.each([0, 1, 65_536, 1_000_001])('send exactly %i bytes', async (count) => {
    const body = await (await fetch(`${site.url}/bytes/${count}`)).arrayBuffer();
    expect(body.byteLength).toBe(count);
  });

  it.each(['gzip', 'br', 'zstd'])('send %s', async (coding) => {
    const answer = await fetch(`${site.url}/${coding}`);
    expect(answer.headers.get('content-encoding')).toBe(coding);
    expect(await answer.json()).toMatchObject({ coding });
  });

  it('echo the request as it came', async () => {
    const answer = await ask(`${site.url}/echo?q=1`, {
      method: 'PUT',
      headers: { 'X-Odd-Case': 'Yes', cookie: 'a=1; b=x=y; a=2' },
      body: 'grüße',
    });
    const echo = JSON.parse(answer.body);
    expect(echo).toMatchObject({ method: 'PUT', url: '/echo?q=1', body: 'grüße', bodyBytes: 7 });
    expect(echo.cookies).toEqual({ a: '1', b: 'x=y' });
    expect(echo.headers).toContainEqual(['X-Odd-Case', 'Yes']);
  });

  it('refuse to echo more than 1 MiB', async () => {
    const answer = await ask(`${site.url}/echo`, { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) });
    expect(answer.status).toBe(413);
  });

  it('set the cookies they are asked to, and refuse what would be another header', async () => {
    const answer = await ask(`${site.url}/set-cookie?a=1&b=two`);
    expect(answer.setCookies).toEqual(['a=1; Path=/', 'b=two; Path=/']);
    expect((await ask(`${site.url}/set-cookie?a=1%0d%0aevil:1`)).status).toBe(400);
  });

  it('set as many cookies as they are asked to', async () => {
    const answer = await ask(`${site.url}/cookies-many/200?from=1000`);
    expect(answer.setCookies).toHaveLength(200);
    expect(answer.setCookies[199]).toBe('many1199=1199; Path=/');
  });
});
