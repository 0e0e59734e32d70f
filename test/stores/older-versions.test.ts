import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { createClient } from 'redis';
import { afterAll, describe, expect, it } from 'vitest';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { keysOf } from '../../src/stores/redis/keys.ts';
import { redisStore } from '../../src/stores/redis/redis-store.ts';
import { APPLICATION_ID, migrations } from '../../src/stores/sqlite/schema.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { NewSession, SessionStore } from '../../src/stores/store.ts';
import { postgresUrl, redisUrl, uniqueName } from '../servers/index.ts';
import { sqliteFiles } from './sqlite-files.ts';

const files = sqliteFiles();
afterAll(() => files.removeAll());

const BORN = { ageMs: 0, expiresInMs: null, usageCount: 0, maxUsageCount: null, errorScore: 0, body: '{}' };

function tagged(id: string, tag: string | null, tagLimit?: number): NewSession {
  return { ...BORN, id, tag, ...(tagLimit !== undefined && { tagLimit }) };
}

/** Free, leased, resting and dead ones, with tags and without. */
async function fill(store: SessionStore): Promise<void> {
  await store.add([
    ...['free', 'leased', 'resting', 'dead'].map((id) => tagged(id, 'proxy a')),
    tagged('other', 'proxy b'),
    tagged('gone', 'proxy c'),
    tagged('untagged', null),
  ]);
  await store.order({ ids: ['dead', 'gone'] }, { kind: 'retire', reason: 'seen' });
  await store.order({ ids: ['resting'] }, { kind: 'rest', ms: 60_000 });
  const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 60_000, holder: 'test:1' } as const;
  expect(await store.lease({ ...request, id: 'leased' })).toMatchObject({ kind: 'leased' });
}

async function expectRight(store: SessionStore): Promise<void> {
  expect(await store.count()).toMatchObject({ living: 5, dead: 2, tags: { 'proxy a': 3, 'proxy b': 1 } });
  expect(await store.add([tagged('fourth', 'proxy a', 3)])).toEqual({ kind: 'tag-full', id: 'fourth' });
  expect(await store.order({ tag: 'proxy a' }, { kind: 'retire', reason: 'test' })).toBe(3);
  expect((await store.count()).tags).toEqual({ 'proxy a': 1, 'proxy b': 1 });
}

describe('an SQLite file without counts of tags', () => {
  it('gets them when it is opened', async () => {
    const path = files.newPath();
    const first = sqliteStore({ path });
    await fill(first);
    await first.close();
    const db = new DatabaseSync(path);
    db.exec(`DROP TRIGGER session_tag_added; DROP TRIGGER session_tag_removed; DROP TRIGGER session_tag_left;
      DROP TRIGGER session_tag_joined; DROP TABLE tag_count; PRAGMA user_version = 1`);
    db.close();
    await using store = sqliteStore({ path });
    await expectRight(store);
  });

  it('is counted also for a process of the version before that still has it open', async () => {
    const path = files.newPath();
    using old = new DatabaseSync(path);
    old.exec(`${migrations[0]}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`);
    const insert = old.prepare(
      'INSERT INTO session (id, due, fence, uses, score, created, tag) VALUES (?, 1, 0, 0, 0, 1, ?)',
    );
    const die = old.prepare('UPDATE session SET status = 4, died = 1, due = NULL WHERE id = ?');
    insert.run('before', 'proxy');
    await using store = sqliteStore({ path });
    expect((await store.count()).tags).toEqual({ proxy: 1 });
    insert.run('after', 'proxy');
    expect((await store.count()).tags).toEqual({ proxy: 2 });
    die.run('before');
    old.exec("DELETE FROM session WHERE id = 'after'");
    expect((await store.count()).tags).toEqual({});
  });
});

describe.skipIf(!redisUrl)('a pool in Redis without counts of tags', () => {
  it('gets them when it is opened', async () => {
    const pool = uniqueName();
    await using first = redisStore({ url: redisUrl, pool });
    await fill(first);
    const many = Array.from({ length: 1500 }, (_, index) => tagged(`many-${index}`, 'many'));
    await first.add(many);
    const client = await createClient({ url: redisUrl }).connect();
    try {
      await client.del(keysOf(pool).at(-1)!);
      await client.hSet(keysOf(pool)[1]!, '#version', '1');
      await using store = redisStore({ url: redisUrl, pool });
      expect((await store.count()).tags.many).toBe(1500);
      expect(await store.remove(many.map(({ id }) => id))).toBe(1500);
      await expectRight(store);
      expect(await client.hGet(keysOf(pool)[1]!, '#version')).toBe('2');
    } finally {
      await client.close();
    }
  });
});

describe.skipIf(!postgresUrl)('a schema in PostgreSQL without counts of tags', () => {
  it('gets them when it is opened, and new functions', async () => {
    const schema = uniqueName();
    const first = postgresStore({ url: postgresUrl, schema });
    await fill(first);
    await first.close();
    const admin = new pg.Client({ connectionString: postgresUrl });
    await admin.connect();
    try {
      // A function that returns something else cannot be replaced. One of somebody else's stays.
      await admin.query(`
        delete from ${schema}.troupe_migration where version > 1;
        drop table ${schema}.tag_count;
        drop table ${schema}.front;
        drop index ${schema}.session_row;
        create index session_sid on ${schema}.session (sid);
        drop index ${schema}.waiter_until;
        alter table ${schema}.counter drop column version, add constraint counter_pkey primary key (slot);
        drop function ${schema}.count_all(bigint[]);
        create function ${schema}.count_all(p_clock bigint[]) returns text language sql as 'select ''old''';
        create function ${schema}.theirs() returns text language sql as 'select ''theirs'''`);
      await using store = postgresStore({ url: postgresUrl, schema });
      await expectRight(store);
      expect((await admin.query(`select ${schema}.theirs() as who`)).rows).toEqual([{ who: 'theirs' }]);
    } finally {
      await admin.end();
    }
  });

  it('serves the calls of the version before meanwhile, and counts what they do', async () => {
    const schema = uniqueName();
    await using store = postgresStore({ url: postgresUrl, schema });
    await store.open();
    const old = new pg.Client({ connectionString: postgresUrl });
    await old.connect();
    try {
      await old.query(
        `select * from ${schema}.add(null, null, '{a}', '{0}', '{null}', '{0}', '{null}', '{0}', '{null}', '{proxy}', '{body}')`,
      );
      const { rows } = await old.query(
        `select outcome from ${schema}.create_session(null, gen_random_uuid(), 'b', 0, null, 0, null, 0, null, null, 'body')`,
      );
      expect(rows).toEqual([{ outcome: 'lost' }]);
      expect((await store.count()).tags).toEqual({ proxy: 1 });
    } finally {
      await old.end();
    }
  });
});
