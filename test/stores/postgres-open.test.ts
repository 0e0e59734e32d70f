import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../playground/servers/postgres-server.ts';
import type { LocalServer } from '../../playground/servers/server-process.ts';
import { openStore } from '../../src/stores/open-store.ts';
import { checkServer } from '../../src/stores/postgres/migrate.ts';
import { type PostgresStore, postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { migrations } from '../../src/stores/postgres/schema/migrations.ts';
import { postgresUrl, uniqueName } from '../servers/index.ts';

const PASSWORD = 'a secret/with @ signs';

describe.skipIf(!postgresUrl)('opening a store on PostgreSQL', () => {
  let server: LocalServer;
  let admin: pg.Client;

  beforeAll(async () => {
    server = await startPostgres({ password: PASSWORD });
    admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    await server.close();
  });

  function urlFor(change: (url: URL) => void): string {
    const url = new URL(server.url);
    change(url);
    return url.href;
  }

  /** Opens, and answers the error; no password may be in it, however it is printed. */
  async function refused(url: string, schema = uniqueName()): Promise<{ code: string; message: string }> {
    await using store = postgresStore({ url, schema });
    const error = await store.open().then(
      () => undefined,
      (error: Error) => error,
    );
    expect(error).toMatchObject({ name: 'StoreError' });
    const { inspect } = await import('node:util');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/a(%20| )secret/);
    return error as unknown as { code: string; message: string };
  }

  it('names a wrong password, a missing database, a wrong host and a closed port', async () => {
    const wrongPassword = await refused(
      urlFor((url) => {
        url.password = 'a secret that is wrong';
      }),
    );
    expect(wrongPassword).toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('password'),
    });
    const noDatabase = await refused(
      urlFor((url) => {
        url.pathname = '/nowhere';
      }),
    );
    expect(noDatabase).toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('no such database'),
    });
    const noHost = await refused(
      urlFor((url) => {
        url.hostname = 'db.invalid';
      }),
    );
    expect(noHost).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/no such host|EAI_AGAIN/),
    });
    const nobody = await refused(
      urlFor((url) => {
        url.port = '1';
      }),
    );
    expect(nobody).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('nobody listens'),
    });
  });

  it.each([
    'postgres:',
    'postgres://',
    'http://a secret@host/db',
    'postgres://user:a secret@:x/db',
    'nonsense a secret',
  ])('refuses the URL %s without repeating it', (url) => {
    expect(() => postgresStore({ url })).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.not.stringContaining('a secret') }),
    );
  });

  it('refuses what are no options', () => {
    expect(() => postgresStore({})).toThrow('"url" or the option "pool"');
    expect(() => postgresStore({ url: server.url, schema: 'a"b' })).toThrow('letters, digits');
    expect(() => postgresStore({ url: `${server.url}?schema=a"b` })).toThrow('letters, digits');
    expect(() => postgresStore({ url: server.url, schema: 'pg_mine' })).toThrow('letters, digits');
    expect(() => postgresStore({ url: server.url, scheme: 'x' } as object)).toThrow('did you mean "schema"');
  });

  it('is opened by its URL, which may name the schema', async () => {
    const schema = uniqueName();
    for (const scheme of ['postgres:', 'postgresql:']) {
      const url = urlFor((given) => given.searchParams.set('schema', schema)).replace('postgres:', scheme);
      const store = (await openStore(url)) as PostgresStore;
      expect(store.schema).toBe(schema);
      expect((await store.count()).living).toBe(0);
      await store.close();
    }
  });

  it('refuses a schema of a newer troupe, and one of another application, and changes neither', async () => {
    const newer = uniqueName();
    await using store = postgresStore({ url: server.url, schema: newer });
    await store.open();
    await admin.query(`insert into ${newer}.troupe_migration values (99)`);
    expect(await refused(server.url, newer)).toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('newer troupe'),
    });
    const foreign = uniqueName();
    await admin.query(`create schema ${foreign}; create table ${foreign}.theirs (id integer)`);
    expect(await refused(server.url, foreign)).toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('another application'),
    });
    const { rows } = await admin.query('select relname from pg_class where relnamespace = $1::regnamespace', [
      foreign,
    ]);
    expect(rows).toEqual([{ relname: 'theirs' }]);
  });

  it('needs no more than a schema of its own, and says what a user lacks', async () => {
    const schema = uniqueName();
    const user = uniqueName();
    await admin.query(`create user ${user} password 'a secret of its own'`);
    const url = urlFor((given) => {
      given.username = user;
      given.password = 'a secret of its own';
    });
    expect(await refused(url, schema)).toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('create schema'),
    });
    await admin.query(`create schema ${schema} authorization ${user}`);
    await using store = postgresStore({ url, schema });
    expect((await store.count()).living).toBe(0);
  });

  it('is made once by those who open it at the same time', async () => {
    const schema = uniqueName();
    const stores = Array.from({ length: 6 }, () => postgresStore({ url: server.url, schema }));
    await Promise.all(stores.map((store) => store.open()));
    const { rows } = await admin.query(`select version from ${schema}.troupe_migration`);
    expect(rows).toEqual(migrations.map((_, index) => ({ version: index + 1 })));
    for (const store of stores) await store.close();
  });

  it('refuses a server that is too old', () => {
    expect(() => checkServer('120017', 'host/db')).toThrow('is version 12; troupe needs 13 or newer');
    expect(() => checkServer('90624', 'host/db')).toThrow('is version 9');
    checkServer('130000', 'host/db');
    checkServer('180001', 'host/db');
  });

  it('leaves a pool that was handed in open, and its connections as they were', async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 5 });
    const store = postgresStore({ pool, schema: uniqueName() });
    const session = {
      ageMs: 0,
      expiresInMs: null,
      usageCount: 0,
      maxUsageCount: null,
      errorScore: 0,
      body: 'b',
    };
    await store.add([{ ...session, id: 'a' }]);
    const held = await store.lease({
      rotation: 'round-robin',
      fill: 'on-demand',
      leaseMs: 1000,
      holder: 'test:1',
    });
    expect(held.kind).toBe('leased');
    await store.close();
    await store.close();
    await expect(store.count()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    const clients = await Promise.all(Array.from({ length: 5 }, () => pool.connect()));
    for (const client of clients) {
      const { rows } = await client.query("select current_setting('enable_seqscan') as scans");
      expect(rows).toEqual([{ scans: 'on' }]);
      client.release();
    }
    await pool.end();
  });
});
