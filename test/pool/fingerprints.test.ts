import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { BrowserIdentity } from '../../src/fingerprints/browser-identity.ts';
import { FingerprintMaker } from '../../src/fingerprints/fingerprint-maker.ts';
import { type PoolEvents, Session, SessionPool, type SessionPoolOptions } from '../../src/index.ts';
import { clientHelloOf } from '../transport/client-hello.ts';
import { echo, type Seen, serve } from '../transport/helpers.ts';

function makePool(options: SessionPoolOptions): SessionPool {
  const pool = new SessionPool(options);
  onTestFinished(() => pool.close());
  return pool;
}

const browserOf = (session: Session) => session.fingerprint as BrowserIdentity;

/** Chrome as it was some versions ago, as a store of then would hold it. */
async function oldChrome(newest = 136): Promise<BrowserIdentity> {
  const options = { browsers: ['chrome'], operatingSystems: ['windows'] } as const;
  return (await FingerprintMaker.load(options, ({ version }) => version <= newest)).make('DE');
}

test('every session has a browser of its own, and sends its headers', async () => {
  const { origin } = await serve(echo);
  const pool = makePool({ fingerprints: true, fill: 'first', maxPoolSize: 5 });
  const machines = new Set<string>();
  for (let i = 0; i < 5; i++) {
    await using lease = await pool.acquire();
    const { userAgent, machine, headers } = browserOf(lease.session);
    machines.add(JSON.stringify(machine));
    const seen = (await (await lease.session.fetch(origin)).json()) as Seen;
    expect(seen.headers['user-agent']).toBe(userAgent);
    expect(seen.headers['accept-language']).toBe(headers['Accept-Language']);
  }
  expect(machines.size).toBe(5);
});

test('it is the same for life, also for another process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-browsers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const store = `sqlite:${join(folder, 'a.db')}`;
  const options = { store, fingerprints: { browsers: ['firefox'] }, maxPoolSize: 1 } as const;
  let first: BrowserIdentity;
  {
    await using pool = new SessionPool(options);
    first = await pool.run(async (session) => browserOf(session));
  }
  const pool = makePool(options);
  expect(await pool.run(async (session) => browserOf(session))).toEqual(first);
  expect(first.browser).toBe('firefox');
});

test('it sits where its proxy is; what createSession and the options give stays', async () => {
  const proxy = { url: 'http://127.0.0.1:1', country: 'FR' };
  const french = makePool({ fingerprints: true, session: { proxy } });
  await using lease = await french.acquire();
  expect(browserOf(lease.session)).toMatchObject({ locale: 'fr-FR', timeZone: 'Europe/Paris' });
  const own = makePool({
    fingerprints: true,
    createSession: (options) =>
      new Session({ ...options, fingerprint: { ...options.fingerprint!, note: 'mine' } }),
  });
  await using second = await own.acquire();
  expect(browserOf(second.session)).toMatchObject({ note: 'mine', device: 'desktop' });
  const given = makePool({ fingerprints: true, session: { fingerprint: { userAgent: 'mine/1' } } });
  await using third = await given.acquire();
  expect(third.session.fingerprint).toEqual({ userAgent: 'mine/1' });
});

test('a browser that fell behind is brought up to date when its session is leased, and stays so', async () => {
  const identity = await oldChrome();
  const pool = makePool({ fingerprints: true, create: false });
  await pool.add([new Session({ id: 'old', fingerprint: identity })]);
  const told: PoolEvents['browserUpdated'][] = [];
  pool.on('browserUpdated', (event) => told.push(event));
  let next: BrowserIdentity;
  {
    await using lease = await pool.acquire({ id: 'old' });
    next = browserOf(lease.session);
    expect(next.version).toBeGreaterThan(identity.version);
    expect(next.machine).toEqual(identity.machine);
  }
  {
    await using lease = await pool.acquire({ id: 'old' });
    expect(browserOf(lease.session)).toEqual(next);
  }
  expect(told).toEqual([{ sessionId: 'old', browser: 'chrome', from: identity.version, to: next.version }]);
  const frozen = makePool({ fingerprints: { freeze: true }, create: false });
  await frozen.add([new Session({ id: 'old', fingerprint: identity })]);
  await using lease = await frozen.acquire({ id: 'old' });
  expect(browserOf(lease.session)).toEqual(identity);
});

test('over impit the TLS handshake is the browser’s, and comes up to date with the headers', async () => {
  const firefox = await FingerprintMaker.load({ browsers: ['firefox'] }, ({ version }) => version === 135);
  const sessions = () => [
    new Session({ id: 'firefox', fingerprint: firefox.make() }),
    new Session({ id: 'chrome', fingerprint: chrome131 }),
  ];
  const chrome131 = await oldChrome(131);
  const extensionsOf = async (id: string, freeze: boolean) => {
    const pool = makePool({ fingerprints: { freeze }, transport: 'impit', create: false });
    await pool.add(sessions());
    await using lease = await pool.acquire({ id });
    return (await clientHelloOf((url) => lease.session.fetch(url, { judge: false }))).extensions;
  };
  const [frozen, advanced] = [await extensionsOf('chrome', true), await extensionsOf('chrome', false)];
  // Chrome 133 gave ALPS another number: 17513 became 17613.
  expect([frozen.includes(17513), frozen.includes(17613)]).toEqual([true, false]);
  expect([advanced.includes(17513), advanced.includes(17613)]).toEqual([false, true]);
  expect(await extensionsOf('firefox', false)).toContain(28);
});

test('connections made as the browser before it was brought up to date are not used again', async () => {
  let connections = 0;
  const { origin, server } = await serve(echo);
  server.on('connection', () => connections++);
  const folder = mkdtempSync(join(tmpdir(), 'troupe-browsers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const store = `sqlite:${join(folder, 'a.db')}`;
  const here = makePool({ store, create: false });
  await here.add([new Session({ id: 'old', fingerprint: await oldChrome() })]);
  const visit = async (pool: SessionPool) => {
    await using lease = await pool.acquire({ id: 'old' });
    return ((await (await lease.session.fetch(origin)).json()) as Seen).headers['user-agent'];
  };
  const [first, second] = [await visit(here), await visit(here)];
  expect([first === second, connections]).toEqual([true, 1]);
  // Elsewhere it is brought up to date.
  await visit(makePool({ store, create: false, fingerprints: true }));
  expect(await visit(here)).not.toBe(first);
  expect(connections).toBe(3);
});

test('impit: HTTP/2 as Chrome, redirects and cookies as ever', async () => {
  const { origin } = await serve((request, response) => {
    if (request.url === '/end') return void echo(request, response);
    response.writeHead(302, { location: '/end', 'set-cookie': 'a=1; Path=/' }).end();
  });
  const pool = makePool({ fingerprints: { browsers: ['chrome'] }, transport: 'impit' });
  const response = await pool.fetch(origin);
  const seen = (await response.json()) as Seen;
  expect([seen.headers.cookie, response.redirected]).toEqual(['a=1', true]);
  expect(seen.headers['user-agent']).toContain('Chrome/142.');
});

test('a browser that impit cannot appear as is refused, and says so', async () => {
  const safari =
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15';
  const pool = makePool({ transport: 'impit', session: { fingerprint: { userAgent: safari } } });
  await using lease = await pool.acquire();
  await expect(lease.session.fetch('http://127.0.0.1:9/')).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    option: 'fingerprint.userAgent',
  });
});

test('wrong options are named', async () => {
  expect(() => new SessionPool({ fingerprints: { browsers: ['crome'] } } as object)).toThrow(
    'did you mean "chrome"?',
  );
  expect(() => new SessionPool({ transport: 'curl' } as object)).toThrow('transport');
  const pool = makePool({ fingerprints: { browsers: ['safari'] }, transport: 'impit' });
  await expect(pool.acquire()).rejects.toThrow(/leaves no browser/);
});
