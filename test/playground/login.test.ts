import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Playground, playgroundPassword, startPlayground } from '../../playground/site.ts';
import { Visitor } from './client.ts';

describe('the login', () => {
  let site: Playground;
  beforeAll(async () => {
    site = await startPlayground();
  });
  afterAll(() => site.close());

  const form = async (visitor: Visitor): Promise<string> =>
    /name="token" value="([^"]+)"/.exec((await visitor.visit('/login')).body)![1]!;
  const post = (visitor: Visitor, fields: Record<string, string>) =>
    visitor.hop('/login', { method: 'POST', body: new URLSearchParams(fields).toString() });

  it('opens the account with the right token and password, until logged out', async () => {
    await using visitor = new Visitor(site);
    expect((await visitor.hop('/account')).headers.location).toBe('/login');
    const token = await form(visitor);
    const answer = await post(visitor, { token, user: 'ann', password: playgroundPassword });
    expect(answer).toMatchObject({ status: 303, headers: { location: '/account' } });
    expect(answer.setCookies.some((line) => line.startsWith('auth='))).toBe(true);
    expect(JSON.parse((await visitor.hop('/account')).body)).toEqual({ account: 'ann' });

    const auth = visitor.jar.get('auth')!;
    await visitor.visit('/logout');
    expect(visitor.jar.has('auth')).toBe(false);
    visitor.jar.set('auth', auth);
    expect((await visitor.hop('/account')).status).toBe(302);
  });

  it('refuses a wrong password with 401', async () => {
    await using visitor = new Visitor(site);
    const token = await form(visitor);
    expect((await post(visitor, { token, user: 'ann', password: 'guess' })).status).toBe(401);
  });

  it('refuses a token that was given to another user, or none, with 403', async () => {
    await using ann = new Visitor(site);
    await using bob = new Visitor(site);
    const token = await form(ann);
    await form(bob);
    const right = { user: 'bob', password: playgroundPassword };
    expect((await post(bob, { ...right, token })).status).toBe(403);
    expect((await post(bob, right)).status).toBe(403);
  });

  it('refuses who never fetched the form', async () => {
    await using visitor = new Visitor(site);
    expect((await post(visitor, { user: 'ann', password: playgroundPassword })).status).toBe(403);
  });
});
