import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { openStore, SessionPool, type SessionPoolOptions } from '../../src/index.ts';
import { newKeyText, readKeys } from '../../src/pool/encryption/keys.ts';
import { rotateKeys } from '../../src/pool/encryption/rotate.ts';
import { Sealing } from '../../src/pool/encryption/sealing.ts';
import { scene } from './helpers.ts';

const PASSWORD = 'password-4711';
const accounts = ['ada-4711@example.com', 'grace-4711@example.com'].map((id) => ({ id, password: PASSWORD }));
const options: SessionPoolOptions = {
  accounts,
  proxies: [{ id: 'exit', url: 'http://user:proxysecret@127.0.0.1:9' }],
  fingerprints: true,
};

/** Everything that stands in the tables of a SQLite store. */
function dump(file: string): string {
  using database = new DatabaseSync(file, { readOnly: true });
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  return tables
    .map(({ name }) => JSON.stringify(database.prepare(`select * from "${name}"`).all()))
    .join('\n');
}

/** The file and its journals, as a thief would have them. */
function onDisk(file: string): string {
  return [file, `${file}-wal`]
    .map((path) => {
      try {
        return readFileSync(path, 'latin1');
      } catch {
        return '';
      }
    })
    .join('');
}

async function useAll(pool: SessionPool): Promise<void> {
  const leases = await Promise.all(accounts.map(() => pool.acquire()));
  leases.find(({ session }) => session.account === accounts[0]!.id)!.session.retire('worn out');
  for (const lease of leases) await lease.release();
}

it('no password is stored or shown; with a key neither is a user name, or a proxy', async () => {
  await using stage = await scene('sqlite');
  const told: unknown[] = [];
  for (const encryptionKey of [null, newKeyText()]) {
    await using own = await scene('sqlite');
    await using pool = new SessionPool({ ...options, store: `sqlite:${own.file}`, encryptionKey });
    pool.on('accountCooling', (event) => told.push(event));
    await useAll(pool);
    const stored = dump(own.file) + onDisk(own.file);
    expect(stored).not.toContain(PASSWORD);
    // Or the test would find nothing for another reason.
    expect(stored.includes('ada-4711')).toBe(encryptionKey === null);
    expect(stored.includes('proxysecret')).toBe(encryptionKey === null);
    expect(stored.includes('user:')).toBe(encryptionKey === null);
    expect(stored.includes('http://')).toBe(encryptionKey === null);
    expect((await all(pool.accounts.list())).map(({ id }) => id)).toEqual(accounts.map(({ id }) => id));
    told.push(pool, await all(pool.list()));
  }
  const seen: unknown[] = [];
  await using pool = stage.pool({ ...options, onCreate: (_session, context) => void seen.push(context) });
  await useAll(pool);
  const shown = [told, seen].map((one) => inspect(one, { depth: 12, showHidden: true })).join();
  expect(shown).toContain('Account "ada-4711@example.com" (the rest is not shown)');
  expect(shown).not.toContain(PASSWORD);
});

it('removing an account leaves nothing of it, living or dead', async () => {
  await using stage = await scene('sqlite');
  const pool = stage.pool(options);
  await useAll(pool);
  await useAll(pool);
  expect(dump(stage.file)).toContain('ada-4711');
  expect(await pool.accounts.remove('ada-4711@example.com')).toBe(true);
  expect(await pool.accounts.remove('ada-4711@example.com')).toBe(false);
  const rest = dump(stage.file);
  expect(rest).not.toContain('ada-4711');
  expect(rest).toContain('grace-4711');
  await pool.accounts.remove('grace-4711@example.com');
  expect(dump(stage.file)).not.toMatch(/4711|proxysecret|userAgent/);
  expect(await pool.stats()).toMatchObject({ sessions: { usable: 0, dead: 0 } });
});

it('a change of keys takes the records and the keys of sessions along', async () => {
  await using stage = await scene('sqlite');
  const store = `sqlite:${stage.file}`;
  const [first, second] = [newKeyText(), newKeyText()];
  const steps: [before: string | null, rotation: string][] = [
    [null, first],
    [first, `${second},${first}`],
  ];
  for (const [encryptionKey, keys] of steps) {
    await using pool = new SessionPool({ ...options, store, encryptionKey, maxLoginsPerDay: 10 });
    await useAll(pool);
    await pool.close();
    await using opened = {
      store: await openStore(store),
      [Symbol.asyncDispose]: async () => opened.store.close(),
    };
    const [current, ...others] = readKeys(keys, 'keys');
    const sealing = new Sealing([current!, ...others]);
    expect(await rotateKeys(opened.store, sealing)).toMatchObject({ end: 'done', unreadable: 0 });
    expect(await rotateKeys(opened.store, new Sealing([current!]))).toMatchObject({ end: 'done', sealed: 0 });
    expect(dump(stage.file)).not.toContain('4711@');
    const alone = { ...options, store, encryptionKey: keys.split(',')[0]!, maxLoginsPerDay: 10 };
    await using after = new SessionPool(alone);
    // The living hold their accounts by the new key: none of them is had twice.
    await expect(after.add({ account: accounts[1]!.id })).rejects.toMatchObject({
      code: 'DUPLICATE_SESSION',
    });
    const leases = await Promise.all(accounts.map(() => after.acquire()));
    expect(leases.map(({ session }) => session.account).sort()).toEqual(accounts.map(({ id }) => id));
    for (const lease of leases) await lease.release();
  }
  await using wrong = new SessionPool({ ...options, store, encryptionKey: first });
  await expect(wrong.acquire()).rejects.toMatchObject({ code: 'WRONG_KEY' });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
