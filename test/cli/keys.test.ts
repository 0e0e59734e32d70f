import { existsSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Playground, startPlayground } from '../../playground/site.ts';
import { type EncryptionKey, SessionPool, sqliteStore } from '../../src/index.ts';
import { newKeyText } from '../../src/pool/encryption/keys.ts';
import { startTroupe, temporaryFolder } from './troupe.ts';

const OLD = newKeyText();
const NEW = newKeyText();
const SECRET = 'a-secret-of-the-user';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let site: Playground;
let file: string;
let count = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  site = await startPlayground();
});
afterAll(async () => {
  await site.close();
  await folder[Symbol.asyncDispose]();
});
beforeEach(() => {
  count += 1;
  file = folder.path(`keys-${count}.db`);
});

/** Runs the command on the test's store, with this TROUPE_KEY. */
const start = (args: string[], key?: string) =>
  startTroupe(args, '', {
    TROUPE_STORE: `sqlite:${file}`,
    ...(key === undefined ? {} : { TROUPE_KEY: key }),
  });
const run = (args: string[], key?: string) => start(args, key).ended;

async function fill(users: number, encryptionKey: EncryptionKey | null): Promise<void> {
  await using pool = new SessionPool({ store: `sqlite:${file}`, encryptionKey, maxPoolSize: 100_000 });
  for (let from = 0; from < users; from += 1_000) {
    await pool.add(
      Array.from({ length: Math.min(1_000, users - from) }, (_, index) => ({
        id: `u${100_000 + from + index}`,
        maxAgeMs: null,
        userData: { token: `${SECRET} ${from + index}` },
      })),
    );
  }
}

/** How many bodies are in clear text. */
async function clearBodies(): Promise<number> {
  await using store = sqliteStore({ path: file });
  let clear = 0;
  for (let after = '', more = true; more; ) {
    const page = await store.list({ after, limit: 1_000 });
    clear += page.sessions.filter(({ body }) => (body as string).includes(SECRET)).length;
    more = page.next !== undefined;
    after = page.next ?? '';
  }
  return clear;
}

async function expectAllReadable(users: number, encryptionKey: EncryptionKey): Promise<void> {
  await using pool = new SessionPool({ store: `sqlite:${file}`, encryptionKey });
  const tokens = new Set<unknown>();
  for await (const { model } of pool.list()) tokens.add(model.userData.token);
  expect(tokens.size).toBe(users);
}

/** Sends a signal as soon as the first user is sealed. */
async function interrupt(signal: NodeJS.Signals, key: string) {
  const { child, ended } = start(['keys', 'rotate'], key);
  await using store = sqliteStore({ path: file });
  const before = (await store.get('u100000'))!.body;
  while ((await store.get('u100000'))!.body === before && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  child.kill(signal);
  return ended;
}

describe('troupe keys new', () => {
  it('prints a key, another each time, and nothing else', async () => {
    const results = await Promise.all([run(['keys', 'new']), run(['keys', 'new'], OLD)]);
    for (const { code, stdout, stderr } of results) {
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^troupe_key_[\w-]{43}\n$/);
      expect(() => new SessionPool({ encryptionKey: stdout.trim() })).not.toThrow();
    }
    expect(results[0].stdout).not.toBe(results[1].stdout);
  });
});

describe('TROUPE_KEY', () => {
  it('seals what troupe fetch keeps, and troupe sessions needs it', async () => {
    const fetched = await run(['fetch', `${site.url}/entry`, `${site.url}/item/1`, '--quiet'], OLD);
    expect(fetched.code).toBe(0);
    const bytes = readFileSync(file, 'latin1');
    expect(bytes).toContain('troupe-sealed:1:');
    expect(bytes).not.toContain('"cookies"');
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const id = JSON.parse(fetched.stdout.split('\n')[0]!).sessionId as string;
    const shown = await run(['sessions', 'show', id, '--json'], OLD);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain(site.url);
    for (const args of [['ls'], ['show', id], ['rm', id]]) {
      for (const [key, expected] of [
        [undefined, /is sealed with the key [0-9a-f]{12}; give it as TROUPE_KEY/],
        [NEW, /is sealed with the key [0-9a-f]{12}; given is [0-9a-f]{12}/],
      ] as const) {
        const { code, stdout, stderr } = await run(['sessions', ...args], key);
        expect([code, stdout]).toEqual([2, '']);
        expect(stderr).toMatch(expected);
      }
    }
    expect((await run(['sessions', 'show', id, '--json'], OLD)).stdout).toBe(shown.stdout);
  });

  it.each([
    ['', /"TROUPE_KEY" must be the text of a key/],
    [NEW.slice(0, -3), /one of 40 characters that was cut or changed/],
    [`${OLD},${OLD}`, /holds the key [0-9a-f]{12} twice/],
    [SECRET, /begins otherwise/],
  ])(
    'that is wrong is refused, and not shown (%#)',
    async (key, expected) => {
      await fill(1, null);
      for (const args of [
        ['sessions', 'ls'],
        ['keys', 'rotate'],
        ['fetch', `${site.url}/item/1`],
      ]) {
        const { code, stdout, stderr } = await run(args, key);
        expect([code, stdout]).toEqual([2, '']);
        expect(stderr).toMatch(expected);
        if (key !== '') expect(stderr).not.toContain(key.slice(11, 40));
      }
      expect(await clearBodies()).toBe(1);
    },
    60_000,
  );
});

describe('troupe keys rotate', () => {
  it('seals what was in clear text, and leaves none of it', async () => {
    await fill(300, null);
    expect(await clearBodies()).toBe(300);
    const refused = await run(['sessions', 'ls'], OLD);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/holds sessions in clear text.*`troupe keys rotate`/);

    const { code, stdout, stderr } = await run(['keys', 'rotate'], OLD);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^sealed 300 of 300 users with the key [0-9a-f]{12} \(300 were in clear text\); no other key is needed any more\n$/,
    );
    for (const path of [file, `${file}-wal`].filter((path) => existsSync(path))) {
      expect(readFileSync(path, 'latin1')).not.toContain(SECRET);
    }
    await expectAllReadable(300, OLD);
    expect((await run(['sessions', 'ls'])).code).toBe(2);
  });

  it('changes the key, and has nothing to do the second time', async () => {
    await fill(300, OLD);
    const first = await run(['keys', 'rotate'], `${NEW},${OLD}`);
    expect(first.stdout).toMatch(/^sealed 300 of 300 users with the key [0-9a-f]{12}; no other/);
    await expectAllReadable(300, NEW);
    const second = await run(['keys', 'rotate'], NEW);
    expect([second.code, second.stdout.slice(0, 22)]).toEqual([0, 'sealed 0 of 300 users ']);
    const old = await run(['sessions', 'ls'], OLD);
    expect(old.code).toBe(2);
  });

  it('goes on after kill -9', async () => {
    const USERS = 30_000;
    await fill(USERS, null);
    await interrupt('SIGKILL', OLD);
    const left = await clearBodies();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(USERS);
    expect((await run(['sessions', 'ls'], OLD)).stderr).toMatch(/being sealed, which is not done/);
    expect((await run(['sessions', 'ls'])).stderr).toMatch(/is sealed with the key/);

    const { code, stdout } = await run(['keys', 'rotate'], OLD);
    expect(code).toBe(0);
    expect(stdout).toContain(`sealed ${left} of ${USERS} users`);
    expect(await clearBodies()).toBe(0);
    expect(readFileSync(file, 'latin1')).not.toContain(SECRET);
    await expectAllReadable(USERS, OLD);
  });

  it('stops at Ctrl-C, says how to go on, and does', async () => {
    await fill(30_000, OLD);
    const stopped = await interrupt('SIGINT', `${NEW},${OLD}`);
    expect([stopped.code, stopped.stdout]).toEqual([130, '']);
    expect(stopped.stderr).toMatch(/^troupe: stopped; sealed \d+ of \d+ users .*; run it again to go on\n$/);
    // Who has both keys goes on with it as it is.
    await expectAllReadable(30_000, [OLD, NEW].join());
    expect((await run(['keys', 'rotate'], `${NEW},${OLD}`)).code).toBe(0);
    await expectAllReadable(30_000, NEW);
  });

  it('leaves what it cannot open, and says why', async () => {
    await fill(3, OLD);
    await using store = sqliteStore({ path: file });
    const { sessions } = await store.list({ limit: 10 });
    const [first, second] = sessions.map(({ id, body }) => ({ id, body }));
    await store.rewrite!([{ id: first!.id, ifBody: first!.body, body: second!.body }]);
    const { code, stdout, stderr } = await run(['keys', 'rotate'], `${NEW},${OLD}`);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/session u100000 does not open with its key/);
    expect(stderr).toMatch(/sealed 2 of 3 users .*; 1 could not be opened .*`troupe sessions rm`/);
    const removed = await run(['sessions', 'rm', first!.id], `${NEW},${OLD}`);
    expect(removed.code).toBe(0);
    expect((await run(['keys', 'rotate'], `${NEW},${OLD}`)).code).toBe(0);
  });

  it('says what is missing', async () => {
    const nowhere = await run(['keys', 'rotate'], OLD);
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('there is no store')]);
    await fill(2, OLD);
    const keyless = await run(['keys', 'rotate']);
    expect([keyless.code, keyless.stderr]).toEqual([2, expect.stringContaining('TROUPE_KEY is missing')]);
    const other = await run(['keys', 'rotate'], NEW);
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringMatching(/sealed with the key .*; given is/),
    ]);
    const inMemory = await startTroupe(['keys', 'rotate', '--store', 'memory:'], '', { TROUPE_KEY: OLD })
      .ended;
    expect([inMemory.code, inMemory.stderr]).toEqual([2, expect.stringContaining('a store in memory')]);
    await expectAllReadable(2, OLD);
  });
});
