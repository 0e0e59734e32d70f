import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { openStore, SessionPool, type SessionPoolOptions, type SessionStore } from '../../src/index.ts';
import { readKeys } from '../../src/pool/encryption/keys.ts';
import { rotateKeys } from '../../src/pool/encryption/rotate.ts';
import { Sealing } from '../../src/pool/encryption/sealing.ts';
import { postgresUrl, redisUrl, uniqueName } from '../servers/index.ts';
import { failureOf } from './helpers.ts';

const OLD = randomBytes(32);
const NEW = randomBytes(32);
const SECRETS = ['cookie-secret-4711', 'data-secret-4711', 'proxy-secret-4711'];

const secretSession = (id: string) => ({
  id,
  maxAgeMs: null,
  cookies: [{ name: 'sid', value: SECRETS[0]!, domain: 'shop.example' }],
  userData: { token: SECRETS[1]! },
  proxy: `http://user:${SECRETS[2]}@proxy.example:8080`,
});

/** A server's stores: where a fresh one is, and all that the server holds of it, as text. */
interface Server {
  name: string;
  isThere: boolean;
  place(): { url: string; dump(): Promise<string> };
}

const servers: Server[] = [
  {
    name: 'redis',
    isThere: redisUrl !== '',
    place() {
      const name = uniqueName();
      return { url: `${redisUrl}?pool=${name}`, dump: () => dumpRedis(name) };
    },
  },
  {
    name: 'postgres',
    isThere: postgresUrl !== '',
    place() {
      const name = uniqueName();
      return { url: `${postgresUrl}?schema=${name}`, dump: () => dumpPostgres(name) };
    },
  },
];

async function dumpRedis(pool: string): Promise<string> {
  const client = createClient({ url: redisUrl });
  await client.connect();
  try {
    const reads: Record<string, (key: string) => Promise<unknown>> = {
      string: (key) => client.get(key),
      hash: async (key) => Object.entries(await client.hGetAll(key)).sort(),
      zset: (key) => client.zRangeWithScores(key, 0, -1),
      set: (key) => client.sMembers(key),
      list: (key) => client.lRange(key, 0, -1),
    };
    const contents: unknown[] = [];
    // Sorted: Redis names keys and fields in the order of its hash tables, which other tests' keys re-arrange.
    for (const key of (await client.keys(`*${pool}*`)).sort()) {
      contents.push([key, await reads[await client.type(key)]!(key)]);
    }
    return JSON.stringify(contents);
  } finally {
    await client.close();
  }
}

async function dumpPostgres(schema: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1', [
      schema,
    ]);
    const contents: unknown[] = [];
    for (const { tablename } of rows) {
      const table = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(tablename)}`;
      contents.push([tablename, (await client.query(`SELECT * FROM ${table} ORDER BY 1`)).rows]);
    }
    return JSON.stringify(contents);
  } finally {
    await client.end();
  }
}

describe.each(servers)('secrets in $name', ({ isThere, place }) => {
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });
  const pool = (url: string, encryptionKey: SessionPoolOptions['encryptionKey']): SessionPool => {
    const made = new SessionPool({ store: url, encryptionKey, create: false });
    open.push(made);
    return made;
  };
  const store = async (url: string): Promise<SessionStore> => {
    const made = await openStore(url);
    open.push({ [Symbol.asyncDispose]: async () => void (await made.close()) });
    return made;
  };
  const sealing = (...keys: Buffer[]) => {
    const [first, ...others] = readKeys(keys, 'keys');
    return new Sealing([first!, ...others]);
  };

  it.skipIf(!isThere)('are sealed, and refused to who has not the key', async () => {
    const { url, dump } = place();
    const sealed = pool(url, OLD);
    await sealed.add([secretSession('ada'), secretSession('bob')]);
    const lease = await sealed.acquire();
    lease.session.userData.more = SECRETS[1]!;
    await lease.release();
    await sealed.retire('bob');
    const dumped = await dump();
    expect(dumped).toContain('troupe-sealed:1:');
    for (const secret of SECRETS) expect(dumped).not.toContain(secret);
    expect((await pool(url, OLD).get(lease.session.id))?.model.userData.more).toBe(SECRETS[1]);
    for (const key of [NEW, null]) {
      expect(await failureOf(pool(url, key).acquire())).toMatchObject({ code: 'WRONG_KEY' });
    }
    expect(await dump()).toBe(dumped);
  });

  it.skipIf(!isThere)('come under another key while a pool works', async () => {
    const { url, dump } = place();
    const clear = pool(url, null);
    const ids = Array.from({ length: 300 }, (_, index) => `s${1000 + index}`);
    await clear.add(ids.map(secretSession));
    await clear.retire('s1003');
    for (const secret of SECRETS) expect(await dump()).toContain(secret);
    expect(await failureOf(pool(url, OLD).stats())).toMatchObject({ code: 'WRONG_KEY' });
    const first = await rotateKeys(await store(url), sealing(OLD));
    expect(first).toMatchObject({ end: 'done', sealed: 300, clear: 300 });
    for (const secret of SECRETS) expect(await dump()).not.toContain(secret);

    const both = pool(url, [NEW, OLD]);
    let isOver = false;
    let uses = 0;
    const work = async () => {
      for (; !isOver; uses++) {
        await using lease = await both.acquire();
        lease.session.userData.uses = ((lease.session.userData.uses as number | undefined) ?? 0) + 1;
      }
    };
    const working = Promise.all([work(), work()]);
    const second = await rotateKeys(await store(url), sealing(NEW, OLD));
    isOver = true;
    await working;
    expect(second).toMatchObject({ end: 'done', clear: 0 });
    expect(await failureOf(pool(url, OLD).stats())).toMatchObject({ code: 'WRONG_KEY' });
    let seen = 0;
    let saved = 0;
    for await (const { model } of pool(url, NEW).list()) {
      seen += 1;
      saved += (model.userData.uses as number | undefined) ?? 0;
      expect(model.userData.token).toBe(SECRETS[1]);
    }
    expect([seen, saved]).toEqual([300, uses]);
  });
});

describe.each(servers)('accounts and listed proxies in $name', ({ isThere, place }) => {
  it.skipIf(!isThere)('are in no part of a sealed store, and in a store without a key they are', async () => {
    const words = ['ada-4711@example.com', 'user-4711', 'proxy-secret-4711', 'proxy.example'];
    for (const encryptionKey of [OLD, null]) {
      const { url, dump } = place();
      await using pool = new SessionPool({
        store: url,
        encryptionKey,
        accounts: [{ id: words[0]!, password: 'password-4711' }],
        proxies: [`http://${words[1]}:${words[2]}@${words[3]}:8080`],
      });
      await (await pool.acquire()).release();
      const dumped = await dump();
      expect(words.filter((word) => dumped.includes(word))).toEqual(encryptionKey === null ? words : []);
      expect(dumped).not.toContain('password-4711');
    }
  });
});
