import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startPlayground } from '../../playground/site.ts';
import { openStore, SessionPool, type SessionStore } from '../../src/index.ts';
import { postgresUrl, redisUrl, uniqueName } from '../servers/index.ts';
import { accountsNamed, loginAt, sentToLogin } from './account-login.ts';
import { sessionsOf, until } from './helpers.ts';
import { storeAt } from './store-at.ts';

const worker = fileURLToPath(new URL('account-worker.ts', import.meta.url));

interface Started extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly lines: string[];
}

function start(...args: string[]): Started {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  child.stdout!.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  return {
    child,
    lines,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
    },
  };
}

/** A store of its own for one test, which several processes share. */
async function place(
  kind: string,
): Promise<AsyncDisposable & { url: string; store(): Promise<SessionStore> }> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-accounts-'));
  const name = uniqueName();
  const url = {
    sqlite: `sqlite:${join(folder, 'pool.db')}`,
    redis: `${redisUrl}?pool=${name}`,
    postgres: `${postgresUrl}?schema=${name}`,
  }[kind]!;
  const stores: SessionStore[] = [];
  return {
    url,
    async store() {
      const store = kind === 'sqlite' ? await openStore(url) : storeAt(url);
      stores.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

describe.each(['sqlite', 'redis', 'postgres'])('accounts that processes share (%s)', (kind) => {
  it('are never held twice, and every login is counted', { timeout: 60_000 }, async () => {
    await using site = await startPlayground({ requestsPerCookie: 1_000 });
    await using shared = await place(kind);
    const names = ['ada', 'grace', 'joan', 'mary', 'edith'];
    const workers = [1, 2, 3].map(() => start('work', shared.url, site.url, names.join(), '20'));
    const codes = await Promise.all(workers.map(async ({ child }) => (await once(child, 'close'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    await using pool = new SessionPool({ store: await shared.store(), create: false, maxLoginsPerDay: 50 });
    const living = (await sessionsOf(pool)).filter(({ state }) => state !== 'dead');
    const held = living.map(({ model }) => model.account);
    expect(new Set(held).size).toBe(held.length);
    let counted = 0;
    for await (const { state, logins, sessionId, id } of pool.accounts.list()) {
      expect(state).toBe('ready');
      counted += logins;
      expect(living.find(({ model }) => model.account === id)?.id ?? null).toBe(sessionId);
    }
    const said = workers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('login')));
    expect(counted).toBe(said.length);
    // A session for each login, and none that was logged in twice over: no login was in vain.
    const { dead } = (await pool.stats()).sessions;
    expect(living.length + dead).toBe(said.length);
    expect(site.ledger.mixed).toBe(0);
  });

  it('recover when a process is killed in the middle of a login, which counts', async () => {
    await using site = await startPlayground();
    await using shared = await place(kind);
    await using hanging = start('hang', shared.url, site.url, 'ada');
    await until(() => hanging.lines.includes('login ada'), 'it logs in');
    hanging.child.kill('SIGKILL');
    const since = performance.now();
    await using pool = new SessionPool({
      store: await shared.store(),
      accounts: accountsNamed('ada'),
      onCreate: loginAt(site.url),
      leaseMs: 1_500,
      createTimeoutMs: 1_000,
      timeoutMs: 20_000,
    });
    const page = await pool.fetch(`${site.url}/account`);
    expect(await page.json()).toEqual({ account: 'ada' });
    // Not before the dead process could no longer have been logging in: a second, but for the time until it was killed.
    expect(performance.now() - since).toBeGreaterThan(300);
    for await (const { id, state, logins } of pool.accounts.list()) {
      expect([id, state, logins]).toEqual(['ada', 'ready', 2]);
    }
  });

  it('are made by a process that only produces, for one that makes none', async () => {
    await using site = await startPlayground();
    await using shared = await place(kind);
    await using producer = start('produce', shared.url, site.url, 'ada,grace,joan,mary,edith');
    await until(() => producer.lines.length > 0, 'it begins');
    await using pool = new SessionPool({
      store: await shared.store(),
      create: false,
      timeoutMs: 20_000,
      rules: [sentToLogin],
    });
    const seen = new Set<string>();
    for (let page = 0; page < 5; page++) {
      // Each is used up: the producer makes the next.
      await pool.run(async (session) => {
        const answer = await session.fetch(`${site.url}/account`);
        seen.add(((await answer.json()) as { account: string }).account);
        expect(seen).toContain(session.account);
        session.rest(60_000);
      });
    }
    expect([...seen].sort()).toEqual(['ada', 'edith', 'grace', 'joan', 'mary']);
    expect(producer.lines.filter((line) => line.startsWith('login'))).toHaveLength(5);
  });
});
