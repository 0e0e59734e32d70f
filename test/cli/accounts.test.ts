import { expect, it } from 'vitest';
import { AccountError, SessionPool } from '../../src/index.ts';
import { startTroupe, temporaryFolder, troupe } from './troupe.ts';

it('troupe accounts lists, parks, makes ready and erases', async () => {
  await using folder = await temporaryFolder();
  const store = `sqlite:${folder.path('users.db')}`;
  const pool = new SessionPool({
    store,
    accounts: ['ada', 'grace', 'joan'].map((id) => ({ id, password: 'password-4711' })),
    encryptionKey: null,
    onCreate: (_session, { account }) => {
      if (account!.id === 'grace')
        throw new AccountError('locked', 'for a while', { retryAfterMs: 3_600_000 });
    },
  });
  const leases = [await pool.acquire(), await pool.acquire()];
  const ids = leases.map(({ session }) => session.id);
  for (const lease of leases) await lease.release();
  await pool.close();
  const run = (...args: string[]) => troupe(['accounts', ...args, '--store', store]);

  const listed = await run('ls');
  expect(listed.stdout.replaceAll(ids[0]!, 'USER-1').replaceAll(ids[1]!, 'USER-2')).toMatch(
    /^ACCOUNT +STATE +ENDS +LOGINS +USER\nada +ready +- +1 +USER-1\ngrace +locked +in (59m|60m|1h)\S* +1 +-\njoan +ready +- +1 +USER-2\n$/,
  );
  // Whose user lives is ready, however many logins it has had.
  await troupe(['sessions', 'rm', ids[1]!, '--store', store]);
  const limited = await run('ls', '--max-logins', '1');
  expect(limited.stdout).toMatch(/^ada +ready +- +1/m);
  expect(limited.stdout).toMatch(/^joan +cooling +in (23h59m|24h|1d)\S* +1 +-$/m);
  expect(await run('park', 'ada', 'nobody-yet')).toMatchObject({
    code: 0,
    stdout: 'parked ada\nparked nobody-yet\n',
  });
  expect(await run('ready', 'grace', 'unknown')).toMatchObject({
    code: 1,
    stdout: 'ready: grace\n',
    stderr: 'troupe: unknown: no account of that name\n',
  });
  expect(JSON.parse((await run('ls', '--json')).stdout)).toEqual([
    { id: 'ada', state: 'parked', untilAt: null, logins: 1, sessionId: ids[0] },
    { id: 'grace', state: 'ready', untilAt: null, logins: 1, sessionId: null },
    { id: 'joan', state: 'ready', untilAt: null, logins: 1, sessionId: null },
    { id: 'nobody-yet', state: 'parked', untilAt: null, logins: 0, sessionId: null },
  ]);
  const resting = await troupe(['sessions', 'ls', '--state', 'resting', '--store', store]);
  expect(resting.stdout).toContain(ids[0]);
  expect(await run('rm', 'ada', 'grace', 'joan', 'nobody-yet')).toMatchObject({ code: 0 });
  expect(await run('ls')).toMatchObject({ code: 0, stdout: 'no accounts\n' });
  expect((await troupe(['sessions', 'ls', '--store', store])).stdout).toBe('no users\n');
});

it('troupe accounts needs the key of a sealed store', async () => {
  await using folder = await temporaryFolder();
  const store = `sqlite:${folder.path('users.db')}`;
  const key = (await troupe(['keys', 'new'])).stdout.trim();
  await using pool = new SessionPool({ store, accounts: [{ id: 'ada' }], encryptionKey: key });
  await (await pool.acquire()).release();
  const without = await troupe(['accounts', 'ls', '--store', store]);
  expect(without).toMatchObject({ code: 2, stdout: '' });
  expect(without.stderr).toContain('sealed with the key');
  const { ended } = startTroupe(['accounts', 'ls', '--store', store], '', { TROUPE_KEY: key });
  expect((await ended).stdout).toMatch(/^ada +ready/m);
});
