import { Agent } from 'undici';
import { describe, expect, it } from 'vitest';
import { startPlayground } from '../../playground/site.ts';
import { ask, Visitor } from './client.ts';

describe('the ledger', () => {
  it('shows no mixing between users that keep to their own cookies and connections', async () => {
    await using site = await startPlayground();
    await using ann = new Visitor(site);
    await using bob = new Visitor(site);
    for (const visitor of [ann, bob]) {
      await visitor.visit('/redirect/3');
      await visitor.visit('/item/1');
    }
    expect(site.ledger.summary()).toEqual({
      requests: 2 * 5,
      users: 2,
      issued: 2,
      limited: 0,
      banned: 0,
      bannedAddresses: 0,
      pages: 2,
      refusals: {},
      mixed: 0,
      otherAddress: 0,
      otherUserAgent: 0,
      sharedSockets: 0,
    });
  });

  it.each(['mate', 'hop2', 'auth'])('flags a %s cookie that belongs to another user', async (cookie) => {
    await using site = await startPlayground();
    await using ann = new Visitor(site);
    await using bob = new Visitor(site);
    for (const visitor of [ann, bob]) {
      await visitor.visit('/redirect/2');
      await logIn(visitor);
    }
    expect(site.ledger.mixed).toBe(0);
    bob.jar.set(cookie, ann.jar.get(cookie)!);
    await bob.hop('/plain/1');
    expect(site.ledger.mixed).toBe(1);
    const record = site.ledger.snapshot().perUser.find(({ id }) => id === bob.jar.get('uid'));
    expect(record).toMatchObject({ mixed: 1, foreign: [{ cookie, owner: ann.jar.get('uid') }] });
  });

  it('counts a connection that two users came over', async () => {
    await using site = await startPlayground();
    const shared = new Agent({ connections: 1 });
    await using ann = new Visitor(site, shared);
    const bob = new Visitor(site, shared);
    await ann.visit('/item/1');
    expect(site.ledger.sharedSockets).toBe(0);
    await bob.visit('/item/1');
    expect(site.ledger.sharedSockets).toBe(1);
    expect(site.ledger.snapshot().shared[0]?.users).toEqual([ann.jar.get('uid'), bob.jar.get('uid')]);
  });

  it('links a user to the connection that its cookie was issued over, too', async () => {
    await using site = await startPlayground();
    const shared = new Agent({ connections: 1 });
    await using ann = new Visitor(site, shared);
    await ann.visit('/item/1');
    const elsewhere = new Visitor(site, shared);
    await elsewhere.hop('/');
    await using bob = new Visitor(site);
    for (const [name, value] of elsewhere.jar) bob.jar.set(name, value);
    expect(site.ledger.sharedSockets).toBe(0);
    await bob.hop('/item/1');
    expect(site.ledger.sharedSockets).toBe(1);
  });

  it('does not take a client without a jar for many users', async () => {
    await using site = await startPlayground();
    await using nobody = new Visitor(site);
    for (let i = 0; i < 3; i++) {
      nobody.jar.clear();
      await nobody.hop('/');
    }
    expect(site.ledger.summary()).toMatchObject({ users: 0, issued: 3, sharedSockets: 0 });
  });

  it('is a JSON page that does not count itself', async () => {
    await using site = await startPlayground();
    await ask(`${site.url}/status/418`);
    await ask(`${site.url}/nowhere`);
    await expect(ask(`${site.url}/drop`)).rejects.toThrow();
    const page = JSON.parse((await ask(`${site.url}/__ledger`)).body);
    expect(page).toEqual(JSON.parse(JSON.stringify(site.ledger.snapshot())));
    expect(page).toMatchObject({
      requests: 3,
      byStatus: { 418: 1, 404: 1, dropped: 1 },
      byRoute: { '/status': 1, other: 1, '/drop': 1 },
    });
    expect(JSON.parse((await ask(`${site.url}/__ledger/summary`)).body)).toEqual(site.ledger.summary());
  });

  it('is emptied by a reset, which forgets no cookie and no ban', async () => {
    await using site = await startPlayground({ requestsPerCookie: 1, banAfterViolations: 1 });
    await using visitor = new Visitor(site);
    await visitor.visit('/item/1');
    await visitor.hop('/item/1');
    expect((await ask(`${site.url}/__reset`)).status).toBe(405);
    expect((await ask(`${site.url}/__reset`, { method: 'POST' })).status).toBe(204);
    expect(site.ledger.summary()).toMatchObject({ requests: 0, users: 0, banned: 0 });
    expect((await visitor.hop('/item/1')).status).toBe(403);
    expect(site.ledger.summary()).toMatchObject({ requests: 1, users: 1, banned: 1 });
  });
});

async function logIn(visitor: Visitor): Promise<void> {
  const token = /name="token" value="([^"]+)"/.exec((await visitor.hop('/login')).body)![1]!;
  const form = new URLSearchParams({ token, user: 'someone', password: 'open sesame' });
  await visitor.hop('/login', { method: 'POST', body: form.toString() });
}
