import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { OptionError, type StoreError } from '../../src/errors.ts';
import { openStore } from '../../src/stores/open-store.ts';
import { checkServer } from '../../src/stores/redis/checks.ts';
import { type RedisClient, type RedisStoreOptions, redisStore } from '../../src/stores/redis/redis-store.ts';
import type { NewSession } from '../../src/stores/store.ts';
import { redisUrl, uniqueName } from '../servers/index.ts';

const session: NewSession = {
  id: 'a',
  ageMs: 0,
  expiresInMs: null,
  usageCount: 0,
  maxUsageCount: null,
  errorScore: 0,
  body: 'body',
};

async function openError(options: RedisStoreOptions): Promise<StoreError> {
  await using store = redisStore(options);
  return (await store.open().then(
    () => new Error('it opened'),
    (error) => error,
  )) as StoreError;
}

describe('options', () => {
  it.each([
    ['nonsense', 'it is no URL'],
    ['http://user:hidden@localhost', 'neither redis: nor rediss:'],
    ['redis://:hidden@localhost/database', 'number of a database'],
    ['redis://:hidden@localhost?pol=x', 'only pool=NAME'],
    ['redis://:hid#den@localhost', 'is no URL'],
    ['redis://:hidden@localhost?pool=a{b}', 'without spaces and braces'],
    ['redis://:hid%zzden@localhost', 'two hexadecimal digits'],
  ])('refuses %s, without showing a password', (url, words) => {
    const error = (() => {
      try {
        redisStore({ url });
      } catch (thrown) {
        return thrown as OptionError;
      }
      throw new Error('not refused');
    })();
    expect(error).toBeInstanceOf(OptionError);
    expect(error.message).toContain(words);
    expect(error.message).not.toMatch(/hid/);
  });

  it('wants a URL or a client', () => {
    expect(() => redisStore({})).toThrow(/"client"/);
    expect(() => redisStore({ client: {} as RedisClient })).toThrow(/createClient/);
    expect(() => redisStore({ url: 'redis://localhost', pool: '' })).toThrow(/"pool"/);
    expect(() => redisStore({ cleint: 'x' } as RedisStoreOptions)).toThrow(/did you mean "client"/);
  });

  it('takes the name of the pool from the URL', async () => {
    expect(redisStore({ url: 'redis://localhost?pool=shop' }).pool).toBe('shop');
    expect(redisStore({ url: 'redis://localhost' }).pool).toBe('troupe');
    const store = await openStore('rediss://localhost:6380/1?pool=other');
    expect(store).toMatchObject({ pool: 'other' });
  });
});

describe('servers that cannot be used', () => {
  const info = (lines: string) => `# Server\r\n${lines}\r\naof_enabled:1\r\n`;

  it('refuses one before 6.2, and takes Valkey', () => {
    expect(() => checkServer(info('redis_version:6.0.16'), 'redis://a')).toThrow(
      /is Redis 6.0.16; at least 6.2/,
    );
    expect(() => checkServer(info('redis_version:5.0.14'), 'redis://a')).toThrow(
      /STORE_UNUSABLE|at least 6.2/,
    );
    for (const version of [
      'redis_version:6.2.0',
      'redis_version:7.2.4\r\nvalkey_version:8.0.1',
      'redis_version:8.0.0',
    ])
      checkServer(info(version), 'redis://a');
    checkServer('', 'redis://a');
  });
});

describe.skipIf(!redisUrl)('real servers that cannot be used', () => {
  it('says that a password is wrong or missing, and does not show it', async () => {
    await using server = await startRedis({ password: 'right secret' });
    const wrong = await openError({ url: `redis://:wrong-secret@${server.host}:${server.port}` });
    expect(wrong.code).toBe('STORE_UNUSABLE');
    expect(wrong.message).toMatch(/refuses the user name or password/);
    expect(String(wrong.cause) + wrong.message).not.toMatch(/secret/);
    const missing = await openError({ url: `redis://${server.host}:${server.port}` });
    expect(missing.code).toBe('STORE_UNUSABLE');
    await using store = redisStore({ url: server.url });
    await store.open();
  });

  it('refuses one that evicts keys, and writes nothing there', async () => {
    await using server = await startRedis({ config: ['--maxmemory-policy', 'allkeys-lru'] });
    const error = await openError({ url: server.url });
    expect(error.code).toBe('STORE_UNUSABLE');
    expect(error.message).toMatch(/"maxmemory-policy" to "noeviction"; it is "allkeys-lru"/);
    const client = await createClient({ url: server.url }).connect();
    expect(await client.dbSize()).toBe(0);
    client.destroy();
  });

  it('refuses data of a newer troupe, and foreign data, and leaves both as they are', async () => {
    const pool = uniqueName();
    const client = await createClient({ url: redisUrl }).connect();
    const data = `troupe:{${pool}}:data`;
    await client.hSet(data, '#version', '99');
    const newer = await openError({ url: redisUrl, pool });
    expect(newer.code).toBe('STORE_UNUSABLE');
    expect(newer.message).toMatch(/written by a newer troupe/);
    expect(await client.hGetAll(data)).toEqual({ '#version': '99' });

    await client.del(data);
    await client.set(data, 'of somebody else');
    const foreign = await openError({ url: redisUrl, pool });
    expect(foreign.code).toBe('STORE_UNUSABLE');
    expect(foreign.message).toContain(data);
    expect(await client.get(data)).toBe('of somebody else');

    await client.del(data);
    await client.hSet(data, 'field', 'of somebody else');
    expect((await openError({ url: redisUrl, pool })).message).toContain(data);
    await client.del(data);
    await client.set(`troupe:{${pool}}:due`, 'of somebody else');
    expect((await openError({ url: redisUrl, pool })).message).toContain(`troupe:{${pool}}:due`);
    client.destroy();
  });

  it('says that nobody is there, soon', async () => {
    const server = await startRedis();
    const { url } = server;
    await server.close();
    const startedAt = performance.now();
    const error = await openError({ url });
    expect(error.code).toBe('STORE_UNAVAILABLE');
    expect(error.message).toMatch(/cannot be reached: .*ECONNREFUSED/);
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });

  it('says that memory is used up, and that it is a replica', async () => {
    await using full = await startRedis({ config: ['--maxmemory', '4mb'] });
    await using store = redisStore({ url: full.url });
    const fill = async () => {
      for (let index = 0; index < 100; index++) {
        await store.add([{ ...session, id: `s-${index}`, body: 'x'.repeat(100_000) }]);
      }
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/no memory left/),
    });
    expect((await store.count()).living).toBeGreaterThan(0);

    await using replica = await startRedis({ config: ['--replicaof', full.host, String(full.port)] });
    await expect
      .poll(async () => (await openError({ url: replica.url })).message, { timeout: 15_000 })
      .toMatch(/is a replica/);
  });

  it('warns of a server that forgets when it stops, once', async () => {
    await using server = await startRedis({ config: ['--appendonly', 'no'] });
    const warnings: (Error & { code?: string })[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on('warning', hear);
    for (let round = 0; round < 2; round++) {
      await using store = redisStore({ url: server.url });
      await store.open();
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', hear);
    const ours = warnings.filter(({ code }) => code === 'TROUPE_REDIS_NOT_DURABLE');
    expect(ours).toHaveLength(1);
    expect(ours[0]?.message).toContain(`${server.host}:${server.port}`);
  });
});
