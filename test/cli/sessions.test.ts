import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { type PooledSession, Session, SessionPool } from '../../src/index.ts';
import { postgresUrl, redisUrl, uniqueName } from '../servers/index.ts';
import { startTroupe, temporaryFolder, troupe } from './troupe.ts';

const dashed = '-begins-with-dash_1234';
let site: Playground;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: string;
let file: string;
let count = 0;

beforeAll(async () => {
  site = await startPlayground();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await site.close();
  await folder[Symbol.asyncDispose]();
});

/** A store with users in every state there is. */
beforeEach(async () => {
  count += 1;
  file = folder.path(`users-${count}.db`);
  store = `sqlite:${file}`;
  await using pool = new SessionPool({ store });
  await pool.add([
    new Session({
      id: 'ann',
      cookies: { crumb: 'c00kie' },
      cookiesFor: site.url,
      userData: { account: 'pr1vate' },
      proxy: 'http://me:pa55word@proxy.test:8080',
      account: 'ann@example.com',
      fingerprint: { userAgent: 'Browser/1', headers: { 'x-secret': 'h1dden' } },
    }),
    { id: 'bob' },
    { id: 'eve' },
    { id: dashed },
  ]);
  await pool.rest('bob', 600_000);
  await pool.retire('eve', 'was rude');
  await pool.fetch(`${site.url}/status/403`, { id: dashed, retries: 0 });
});

async function look(id: string): Promise<PooledSession | undefined> {
  await using pool = new SessionPool({ store, create: false });
  return pool.get(id);
}

const sessions = (...args: string[]) => troupe(['sessions', ...args, '--store', store]);
const json = async (...args: string[]) => JSON.parse((await sessions(...args, '--json')).stdout);

describe('troupe sessions ls', () => {
  it('lists users with what they do', async () => {
    const { code, stdout, stderr } = await sessions('ls');
    expect([code, stderr]).toEqual([0, '']);
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^ID +STATE +USES +SCORE +MADE +EXPIRES +NOTE$/);
    expect(rows).toHaveLength(4);
    expect(rows.find((row) => row.startsWith('ann'))).toMatch(/ready +0 +0/);
    expect(rows.find((row) => row.startsWith('bob'))).toMatch(/resting .*resting for (9m|10m)/);
    expect(rows.find((row) => row.startsWith('eve'))).toMatch(/retired .*was rude/);
    expect(rows.find((row) => row.startsWith(dashed))).toContain('not at 127.0.0.1 for good');
  });

  it('says as JSON who they are and whence they come, without credentials, also beside one it cannot read', async () => {
    const db = new DatabaseSync(file);
    db.exec(
      `UPDATE body SET body = 'of another troupe' WHERE sid = (SELECT sid FROM session WHERE id = 'bob')`,
    );
    db.close();
    const { code, stdout } = await sessions('ls', '--json');
    expect(code).toBe(0);
    const listed = JSON.parse(stdout) as { id: string }[];
    const of = (id: string) => listed.find((one) => one.id === id);
    expect(of('ann')).toMatchObject({ account: 'ann@example.com', proxy: 'http://proxy.test:8080' });
    expect(of('eve')).toMatchObject({ account: null, proxy: null });
    expect(of('bob')).toMatchObject({ state: 'resting' });
    expect(of('bob')).not.toHaveProperty('proxy');
    for (const secret of ['me:', 'pa55word', 'c00kie', 'pr1vate']) expect(stdout).not.toContain(secret);
  });

  it('lists those of a state, and as many as asked for', async () => {
    expect((await json('ls', '--state', 'retired')).map(({ id }: { id: string }) => id)).toEqual(['eve']);
    expect(await json('ls', '--state', 'expired')).toEqual([]);
    expect((await sessions('ls', '--state', 'leased')).stdout).toBe('no users\n');
    const first = await sessions('ls', '--limit', '1');
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(first.stderr).toContain('there are more');
    expect(await json('ls', '--limit', '0')).toHaveLength(4);
  });
});

describe('troupe sessions show', () => {
  it('shows a user without its secrets', async () => {
    const { code, stdout } = await sessions('show', 'ann');
    expect(code).toBe(0);
    expect(stdout).toMatch(/account +ann@example\.com\n/);
    expect(stdout).toMatch(/proxy +http:\/\/proxy\.test:8080\n/);
    expect(stdout).toMatch(/user agent +Browser\/1/);
    expect(stdout).toMatch(/user data +account \(values not shown\)/);
    expect(stdout).toMatch(/crumb +127\.0\.0\.1 +\/ +with the user/);
    const shown = stdout + JSON.stringify(await json('show', 'ann'));
    for (const secret of ['c00kie', 'pr1vate', 'pa55word', 'h1dden']) expect(shown).not.toContain(secret);
  });

  it('shows the decisions with their reasons, the last first', async () => {
    const { stdout } = await sessions('show', dashed);
    expect(stdout).toMatch(/DECIDED +VERDICT +RULE +EVIDENCE +WHERE/);
    expect(stdout).toMatch(/blocked +blocked status +status 403 +http:\/\/127\.0\.0\.1:\d+\/status\/403/);
    expect(await json('show', dashed)).toMatchObject({
      id: dashed,
      blocks: [{ site: '127.0.0.1', untilAt: null }],
      decisions: [{ verdict: 'blocked', evidence: 'status 403' }],
    });
  });

  it('lets nothing that stands in a store steer the terminal, as JSON neither', async () => {
    await sessions('retire', 'bob', '--reason', 'was \x9b31mred');
    const db = new DatabaseSync(file);
    db.exec(`UPDATE body SET body = replace(body, '{"version"', '{"\\u001b[2J":1,"version"')
      WHERE sid = (SELECT sid FROM session WHERE id = 'ann')`);
    db.close();
    const answers = await Promise.all([
      sessions('show', 'ann'),
      sessions('show', 'bob'),
      sessions('ls'),
      sessions('ls', '--json'),
      sessions('stats', '--json'),
    ]);
    expect(answers[0]).toMatchObject({ code: 2, stderr: expect.stringContaining('"?[2J"') });
    for (const { stdout, stderr } of answers)
      expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(JSON.parse(answers[3]!.stdout)[2].reason).toBe('was \x9b31mred');
  });

  it('says which id is not there', async () => {
    expect(await sessions('show', 'nobody')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('nobody'),
    });
  });
});

describe('orders to users', () => {
  it('retires, with a reason, and revives', async () => {
    expect(await sessions('retire', 'ann', dashed, '--reason', 'sold')).toMatchObject({
      code: 0,
      stdout: `retired ann\nretired ${dashed}\n`,
    });
    expect(await look('ann')).toMatchObject({ state: 'dead', status: 'retired', reason: 'sold' });
    expect(await json('revive', 'ann', 'eve')).toEqual([
      { id: 'ann', done: true },
      { id: 'eve', done: true },
    ]);
    expect(await look('eve')).toMatchObject({ state: 'ready', status: 'usable', reason: null });
  });

  it('revives all that died for a reason, lately', async () => {
    await sessions('retire', 'bob', '--reason', 'was slow');
    expect(await sessions('revive', '--reason', 'was', '--since', '0')).toMatchObject({
      code: 0,
      stdout: 'revived 0 users\n',
    });
    expect(await sessions('revive', '--reason', 'was rude', '--since', '1h')).toMatchObject({
      code: 0,
      stdout: 'revived 1 user\n',
    });
    expect(await look('eve')).toMatchObject({ status: 'usable' });
    expect(await look('bob')).toMatchObject({ status: 'retired', reason: 'was slow' });
    expect(await json('revive', '--since', '1h')).toEqual({ revived: 1 });
    expect(await look('bob')).toMatchObject({ status: 'usable' });
    const { code, stderr } = await sessions('revive');
    expect([code, stderr]).toEqual([2, expect.stringContaining('revive takes ids, or --reason or --since')]);
  });

  it('rests everywhere or for a site', async () => {
    expect((await sessions('rest', 'ann', '30m')).stdout).toBe('rests for 30m: ann\n');
    expect(await look('ann')).toMatchObject({ state: 'resting', blocks: [] });
    await sessions('rest', dashed, '5m', '--site', 'shop.example.com');
    expect((await look(dashed))?.blocks.map((block) => block.site)).toContain('example.com');
  });

  it('ends rests, and the ban from a site', async () => {
    await sessions('rest', 'bob', '0');
    expect(await look('bob')).toMatchObject({ state: 'ready' });
    await sessions('rest', dashed, '0', '--site', '127.0.0.1');
    expect((await look(dashed))?.blocks).toEqual([]);
  });

  it('removes', async () => {
    expect((await sessions('rm', 'ann', 'eve')).stdout).toBe('removed ann\nremoved eve\n');
    expect([await look('ann'), await look('eve')]).toEqual([undefined, undefined]);
  });

  it.each([
    [['retire', 'bob', 'eve'], 'eve: no living user of that id'],
    [['revive', 'bob'], 'bob: no dead user of that id'],
    [['rest', 'nobody', '5m'], 'nobody: no living user of that id'],
    [['rm', 'nobody'], 'nobody: no user of that id'],
  ])('%j says whom it did not reach, and exits with 1', async (args, message) => {
    expect(await sessions(...args)).toMatchObject({ code: 1, stderr: `troupe: ${message}\n` });
  });
});

describe('troupe sessions stats', () => {
  it('counts by state, by site and by cause of death', async () => {
    expect(await json('stats')).toMatchObject({
      sessions: { usable: 3, leased: 0, resting: 1, dead: 1 },
      retirements: { 'was rude': 1 },
      sites: { '127.0.0.1': { banned: 1 } },
      holders: [],
    });
    const { stdout } = await sessions('stats');
    expect(stdout).toMatch(/usable +3: 2 ready, 0 leased, 1 resting/);
    expect(stdout).toMatch(/was rude +1/);
    expect(stdout).toMatch(/127\.0\.0\.1 +\d +0 +1/);
  });

  it('names who holds a user, and a retired one is taken from its holder', async () => {
    // Its proxy is not there.
    await sessions('rm', 'ann');
    const { child, ended } = startTroupe(['fetch', `${site.url}/slow/60000`, '--store', store]);
    await expect.poll(() => site.ledger.snapshot().byRoute['/slow'], { timeout: 20_000 }).toBe(1);
    const [holder] = (await json('stats')).holders;
    expect(holder.holder).toMatch(new RegExp(`:${child.pid}$`));
    expect((await sessions('stats')).stdout).toContain(holder.holder);
    expect((await sessions('retire', holder.sessionId)).code).toBe(0);
    child.kill('SIGINT');
    await new Promise((resolve) => child.stderr!.once('data', resolve));
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(await look(holder.sessionId)).toMatchObject({ state: 'dead', status: 'retired' });
  });
});

describe('a store that is not there', () => {
  it('is not made by looking', async () => {
    const path = folder.path('missing.db');
    const { code, stderr } = await troupe(['sessions', 'ls', '--store', `sqlite:${path}`]);
    expect(code).toBe(2);
    expect(stderr).toContain(`there is no store sqlite:${path} (nothing was made)`);
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(!redisUrl || !postgresUrl).each([
    ['redis', `${redisUrl}?pool=`],
    ['postgres', `${postgresUrl}?schema=`],
  ])('is not made by looking: %s', async (_name, place) => {
    const url = `${place}${uniqueName()}`;
    // Twice: the first would have made it.
    for (const command of ['ls', 'stats']) {
      const { code, stderr } = await troupe(['sessions', command, '--store', url]);
      const [told] = /there is no store \S+/.exec(stderr) ?? [];
      expect([code, told]).toEqual([2, `there is no store ${url.replace(/\/\/[^/]*@/, '//')}`]);
    }
    await using pool = new SessionPool({ store: url });
    await (await pool.acquire()).release();
    const { code, stdout } = await troupe(['sessions', 'ls', '--json', '--store', url]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, [{ state: 'ready' }]]);
  });

  it.each([
    [['--store', 'memory:'], 'a store in memory ends with its process'],
    [[], '--store is missing'],
    [['--store', 'redis'], 'a store is named by a URL'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await troupe(['sessions', 'stats', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('comes from the environment where no option names it', async () => {
    const { ended } = startTroupe(['sessions', 'ls', '--json'], '', { TROUPE_STORE: store });
    expect(JSON.parse((await ended).stdout)).toHaveLength(4);
  });
});
