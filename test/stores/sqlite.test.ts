import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { migrations } from '../../src/stores/sqlite/schema.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { NewSession } from '../../src/stores/store.ts';
import { fakeClock } from '../../src/testing/index.ts';
import { sqliteFiles } from './sqlite-files.ts';

const files = sqliteFiles();
afterAll(() => files.removeAll());

const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 30_000, holder: 'test:1' } as const;

function sessions(howMany: number, body = '{}'): NewSession[] {
  return Array.from({ length: howMany }, (_, index) => ({
    id: `s-${index}`,
    ageMs: 0,
    expiresInMs: null,
    usageCount: 0,
    maxUsageCount: null,
    errorScore: 0,
    body,
  }));
}

function pragma(path: string, name: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true });
  const value = db.prepare(`PRAGMA ${name}`).get()?.[name];
  db.close();
  return value;
}

describe('the file', () => {
  it('is readable for its owner only, and so are its log and its shared memory', async () => {
    const path = files.newPath();
    await using store = sqliteStore({ path });
    await store.add(sessions(1));
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is marked as ours, with the version of its schema', async () => {
    const path = files.newPath();
    await sqliteStore({ path }).open();
    expect(pragma(path, 'user_version')).toBe(migrations.length);
    expect(pragma(path, 'application_id')).toBe(0x74727065);
    expect(pragma(path, 'journal_mode')).toBe('wal');
  });

  it('is opened by the first call, and can be used again after an empty file was left behind', async () => {
    const path = files.newPath();
    writeFileSync(path, '');
    await using store = sqliteStore({ path, synchronous: 'full' });
    expect((await store.count()).living).toBe(0);
  });

  it('says which folder is missing', async () => {
    const path = join(files.folder, 'nowhere', 'store.db');
    await expect(sqliteStore({ path }).open()).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(join(files.folder, 'nowhere')),
    });
  });

  it('can be opened later by the same store when it was refused at first', async () => {
    const path = files.newPath();
    writeFileSync(path, 'my thesis');
    await using store = sqliteStore({ path });
    await expect(store.count()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    truncateSync(path);
    expect((await store.count()).living).toBe(0);
  });
});

it('makes the file that a link leads to readable for its owner only', async () => {
  const [path, link] = [files.newPath(), files.newPath()];
  symlinkSync(path, link);
  await using store = sqliteStore({ path: link });
  await store.add(sessions(1));
  for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('refuses what is no place for a file', async () => {
  const loop = files.newPath();
  symlinkSync(loop, loop);
  for (const path of [loop, files.newPath() + 'x'.repeat(300)]) {
    await using store = sqliteStore({ path });
    await expect(store.open()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  }
  expect(() => sqliteStore({ path: 'a\0b' })).toThrow(/"path"/);
});

describe('a file that is not ours', () => {
  function database(sql: string): string {
    const path = files.newPath();
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    return path;
  }

  async function ownFile(): Promise<string> {
    const path = files.newPath();
    const store = sqliteStore({ path });
    await store.add(sessions(500, 'x'.repeat(500)));
    await store.close();
    return path;
  }

  function damage(path: string, from: number, to: number): void {
    const bytes = readFileSync(path);
    bytes.fill(0xa5, from, to);
    writeFileSync(path, bytes);
  }

  const cases: Record<string, () => string | Promise<string>> = {
    'a text file': () => {
      const path = files.newPath();
      writeFileSync(path, 'my thesis, the only copy\n'.repeat(100));
      return path;
    },
    'a short file': () => {
      const path = files.newPath();
      writeFileSync(path, 'hi');
      return path;
    },
    'a database of another application': () => database('PRAGMA application_id = 7; CREATE TABLE t (a)'),
    'a database of nobody in particular': () => database('CREATE TABLE t (a); INSERT INTO t VALUES (1)'),
    'a database of another application with a log': () =>
      database('PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)'),
    'one of a newer troupe': async () => {
      const path = await ownFile();
      const db = new DatabaseSync(path);
      db.exec(`PRAGMA user_version = ${migrations.length + 1}`);
      db.close();
      return path;
    },
    'one that was cut off': async () => {
      const path = await ownFile();
      truncateSync(path, Math.floor(statSync(path).size / 2));
      return path;
    },
    'one whose schema is damaged': async () => {
      const path = await ownFile();
      damage(path, 100, 4096);
      return path;
    },
    'one whose tables are damaged': async () => {
      const path = await ownFile();
      damage(path, 4096, statSync(path).size);
      return path;
    },
  };

  for (const [name, make] of Object.entries(cases)) {
    it(`is refused and left as it is: ${name}`, async () => {
      const path = await make();
      const before = readFileSync(path);
      const store = sqliteStore({ path });
      await expect(store.open()).rejects.toMatchObject({
        name: 'StoreError',
        code: 'STORE_UNUSABLE',
        message: expect.stringContaining(path),
      });
      await store.close();
      expect(readFileSync(path).equals(before)).toBe(true);
      const beside = readdirSync(files.folder).filter((file) =>
        join(files.folder, file).startsWith(`${path}-`),
      );
      expect(beside).toEqual([]);
    });
  }

  it('is refused when only its log says that it is newer', async () => {
    const path = files.newPath();
    await using store = sqliteStore({ path });
    await store.open();
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 99');
    await expect(sqliteStore({ path }).open()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    newer.close();
  });

  it('is refused: a folder', async () => {
    const path = files.newPath();
    mkdirSync(path);
    await expect(sqliteStore({ path }).open()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });
});

describe('calls of one turn', () => {
  it('do not fail because one of them does', async () => {
    await using store = sqliteStore({ path: files.newPath() });
    await store.add(sessions(3));
    const results = await Promise.allSettled([
      store.lease(request),
      store.putDocument('a', '1', 0),
      store.putDocument('b', Symbol('unstorable') as unknown as string, 0),
      store.lease(request),
      store.get('s-2'),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect((await store.count()).leased).toBe(2);
    expect(await store.document('a')).toEqual({ value: '1', version: 1 });
    expect(await store.document('b')).toBeUndefined();
  });

  it('refuse a body that is not text, and write nothing', async () => {
    await using store = sqliteStore({ path: files.newPath() });
    await store.add(sessions(1));
    const held = await store.lease(request);
    if (held.kind !== 'leased') throw new Error('not leased');
    const change = { usageCount: 1, errorScore: 0, status: 'usable', body: { live: true } } as const;
    await expect(store.release(held.lease, change)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      option: 'body',
    });
    expect(await store.get('s-0')).toMatchObject({ usageCount: 0, state: 'leased' });
  });

  it('are all answered before the store closes, and none after', async () => {
    const store = sqliteStore({ path: files.newPath() });
    const calls = [store.add(sessions(50)), store.lease(request), store.count()];
    const closed = Promise.all([store.close(), store.close()]);
    await expect(store.count()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    const [added, leased, counts] = await Promise.all(calls);
    expect([added, leased, counts]).toMatchObject([{ kind: 'added' }, { kind: 'leased' }, { leased: 1 }]);
    await closed;
  });
});

describe('time', () => {
  it('may be set back without a session being lost to a site', async () => {
    const clock = fakeClock();
    await using store = sqliteStore({ path: files.newPath(), clock });
    await store.add(sessions(5));
    clock.set(clock.now() - 500);
    const held = await store.lease(request);
    expect(held.kind).toBe('leased');
    if (held.kind !== 'leased') return;
    expect(await store.release(held.lease, null)).toBe('released');
    for (let turn = 0; turn < 5; turn++) expect((await store.lease(request)).kind).toBe('leased');
  });
});

it('takes any duration, however long, and can still be read', async () => {
  await using store = sqliteStore({ path: files.newPath() });
  const longest = Number.MAX_SAFE_INTEGER;
  await store.add([...sessions(2), { ...sessions(1)[0]!, id: 'ages', expiresInMs: longest }]);
  await store.order({ ids: ['s-0'] }, { kind: 'rest', ms: longest });
  await store.order({ ids: ['s-1'] }, { kind: 'rest', ms: longest, site: 'a.example' });
  expect((await store.count()).resting).toBe(1);
  expect((await store.list({ limit: 10 })).sessions.map(({ id }) => id)).toEqual(['ages', 's-0', 's-1']);
  await store.order({ ids: ['ages'] }, { kind: 'retire', reason: 'test' });
  await store.order({ ids: ['ages'] }, { kind: 'revive', expiresInMs: longest });
  expect((await store.get('ages'))!.status).toBe('usable');
});

it('refuses options that it does not know or cannot use', () => {
  expect(() => sqliteStore({ path: '' })).toThrow(/"path"/);
  expect(() => sqliteStore({ path: ':memory:' })).toThrow(/memoryStore/);
  expect(() => sqliteStore({ path: 'a', synchronous: 'off' as 'full' })).toThrow(/"synchronous"/);
  expect(() => sqliteStore({ path: 'a', syncronous: 'full' } as never)).toThrow(/did you mean/);
  expect(() => sqliteStore({ path: 'a', clock: {} as never })).toThrow(/"clock"/);
  expect(() => sqliteStore(undefined as never)).toThrow(/"path"/);
});
