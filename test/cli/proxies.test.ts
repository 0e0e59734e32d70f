import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProxyBehaviour, startUnreliableProxy } from '../../playground/servers/unreliable-proxy.ts';
import type { ProxyReport } from '../../src/cli/proxies/check-one.ts';
import { proxies } from '../servers/index.ts';
import { resultsOf, startTroupe, temporaryFolder, troupe, writeList } from './troupe.ts';

/** Says who came: as text, or at `/json` as services do. Takes its time at `/slow`. */
let site: Server;
let url: string;
const seen: { path: string; userAgent: string; from: string }[] = [];
beforeAll(async () => {
  site = createServer((request, response) => {
    const from = request.socket.remoteAddress!;
    const path = request.url!;
    seen.push({ path, userAgent: request.headers['user-agent'] ?? '', from });
    if (path === '/hang') return;
    if (path === '/403') response.statusCode = 403;
    response.end(path === '/json' ? JSON.stringify({ about: 'you', origin: { ip: from } }) : `${from}\n`);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});
afterAll(() => {
  site.closeAllConnections();
  site.close();
});

/** What `check --json` finds out about these. */
async function check(lines: readonly string[], ...args: string[]) {
  await using folder = await temporaryFolder();
  const list = await writeList(folder.path('proxies.txt'), lines);
  const ended = await troupe(['proxies', 'check', list, '--json', ...args]);
  return { ...ended, reports: JSON.parse(ended.stdout || '[]') as ProxyReport[] };
}

describe('troupe proxies check', () => {
  it.skipIf(!proxies)(
    'finds real proxies good, with their latency, and their exits as the page sees them',
    async () => {
      const { squid, tinyproxy, microsocks } = proxies!;
      const lines = [squid.url, tinyproxy.url, `${microsocks.url} de`];
      for (const [path, exits] of [
        [undefined, [[], [], []]],
        ['/', [['127.0.1.1'], ['127.0.1.2'], ['127.0.1.3']]],
        ['/json', [['127.0.1.1'], ['127.0.1.2'], ['127.0.1.3']]],
      ] as const) {
        const { code, reports, stdout } = await check(lines, ...(path ? ['--url', `${url}${path}`] : []));
        expect(reports.map((report) => report.exits)).toEqual(exits);
        expect(reports).toMatchObject(
          [null, null, 'DE'].map((country) => ({ ok: true, verdict: 'ok', country, reason: null })),
        );
        for (const { latencyMs } of reports) expect(latencyMs).toBeGreaterThan(0);
        expect(code).toBe(0);
        for (const secret of ['S3CRET', 'ann']) expect(stdout).not.toContain(secret);
      }
    },
  );

  it.skipIf(!proxies)('finds wrong passwords, whatever the page', async () => {
    const lines = Object.values(proxies!).map((proxy) => proxy.url.replace(/:[^:@]*@/, ':wrong@'));
    for (const args of [[], ['--url', url]]) {
      const { code, reports } = await check(lines, ...args);
      expect(code).toBe(1);
      expect(reports.map(({ ok, verdict, reason }) => [ok, verdict, reason])).toEqual([
        [false, 'proxy-failed', 'the proxy refused with 407'],
        [false, 'proxy-failed', 'the proxy refused with 401'],
        [false, 'proxy-failed', 'the proxy refused the credentials'],
      ]);
    }
  });

  it('says of bad ones what is wrong with each, at the same time, in their order', async () => {
    const behaviours: ProxyBehaviour[] = [
      'work',
      'refuse',
      'close',
      'hang',
      407,
      502,
      'drop-tunnels',
      'hang',
    ];
    const started = await Promise.all(behaviours.map((behaviour) => startUnreliableProxy({ behaviour })));
    const since = performance.now();
    const { code, reports } = await check(
      started.map((proxy) => proxy.url),
      ...['--url', url, '--timeout', '3s'],
    );
    for (const proxy of started) await proxy.close();
    expect(code).toBe(1);
    expect(reports.map(({ ok, reason }) => [ok, reason])).toEqual([
      [true, null],
      [false, 'no connection to the proxy (ECONNREFUSED)'],
      [false, 'the proxy did not answer (ECONNRESET)'],
      [false, 'the proxy did not answer'],
      [false, 'the proxy refused with 407'],
      [false, 'the proxy refused with 502'],
      [false, 'the proxy closed the tunnel at once'],
      [false, 'the proxy did not answer'],
    ]);
    expect(performance.now() - since).toBeLessThan(60_000);
  });

  it('judges the page as a session would, and takes the median of the tries', async () => {
    await using proxy = await startUnreliableProxy();
    const { code, reports } = await check([proxy.url], '--url', `${url}/403`);
    expect([code, reports[0]!.verdict, reports[0]!.latencyMs]).toEqual([1, 'blocked', null]);
    const before = seen.length;
    await check([proxy.url], '--url', url, '--tries', '5');
    expect(seen.length - before).toBe(5);
  });

  it('prints a table for people, and no password', async () => {
    await using folder = await temporaryFolder();
    await using proxy = await startUnreliableProxy({ exitAddress: '127.0.4.1' });
    const { host, port } = proxy;
    const list = await writeList(folder.path('proxies.txt'), [
      '# mine',
      `${host}:${port}:ann:S3CRET fr`,
      `http://bob:S3CRET@${host}:${port}`,
      'http://ann:S3CRET@127.0.0.1:1',
    ]);
    const { code, stdout, stderr } = await troupe(['proxies', 'check', list, '--url', url]);
    expect(code).toBe(1);
    const [head, ...rows] = stdout.trim().split('\n');
    expect(head).toMatch(/^PROXY +COUNTRY +VERDICT +LATENCY +EXIT +NOTE$/);
    expect(rows[0]).toMatch(new RegExp(`^http://${host}:${port} +FR +ok +[\\d.]+(ms|s) +127\\.0\\.4\\.1$`));
    expect(rows[1]).toMatch(new RegExp(`^http://${host}:${port} #2 +ok +`));
    expect(rows[2]).toMatch(
      /^http:\/\/127\.0\.0\.1:1 +proxy-failed +no connection to the proxy \(ECONNREFUSED\)$/,
    );
    expect(rows[3]).toBe('2 of 3 good');
    expect(stdout + stderr).not.toContain('S3CRET');
  });

  it('names the line that does not parse, and not what stands there', async () => {
    const { code, stdout, stderr } = await check(['http://127.0.0.1:1', 'http//ann:S3CRET@x:1']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('proxies.txt, line 2: a proxy must be a URL');
    expect(stderr).not.toContain('S3CRET');
  });

  it.each([
    ['a file that is not there', ['/nowhere/proxies.txt'], 'ENOENT'],
    ['a page that is no URL', ['x', '--url', 'here'], 'must be an absolute URL'],
    ['tries that are none', ['x', '--tries', '0'], 'whole number, 1 to 100'],
  ])('refuses %s', async (_name, args, words) => {
    const { code, stderr } = await troupe(['proxies', 'check', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  });

  it.each([
    ['proxies', 'check', 'http://ann:S3CRET@127.0.0.1:1'],
    ['fetch', 'http://127.0.0.1:1/', '--proxies', 'http://ann:S3CRET@127.0.0.1:1'],
    ['fetch', 'http://127.0.0.1:1/', '--proxies', '127.0.0.1:1:ann:S3CRET'],
  ])('refuses a proxy where a file is meant, without its password: %s %s', async (...args) => {
    const { code, stdout, stderr } = await troupe(args);
    expect(code).toBe(2);
    expect(stderr).toContain('looks like a proxy: put it in a list, or in a file');
    expect(stdout + stderr).not.toContain('S3CRET');
  });

  it('stops at once at Ctrl-C, and tells what it knows', async () => {
    await using folder = await temporaryFolder();
    await using hanging = await startUnreliableProxy({ behaviour: 'hang' });
    const list = await writeList(folder.path('proxies.txt'), [hanging.url, 'http://127.0.0.1:1']);
    const { child, ended } = startTroupe(['proxies', 'check', list]);
    await expect.poll(() => hanging.asked.length, { timeout: 10_000 }).toBe(1);
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).toContain('0 of 1 good, 1 not checked');
  });
});

describe('troupe fetch', () => {
  it.skipIf(!proxies)('--proxies: each user leaves by one of them', async () => {
    await using folder = await temporaryFolder();
    const list = await writeList(
      folder.path('proxies.txt'),
      Object.values(proxies!).map((proxy) => proxy.url),
    );
    const before = seen.length;
    const pages = Array.from({ length: 12 }, (_, page) => `${url}/page/${page}`);
    const ended = await troupe(['fetch', ...pages, '--proxies', list]);
    expect(ended.code).toBe(0);
    const exits = new Set(seen.slice(before).map(({ from }) => from));
    expect([...exits].sort()).toEqual(['127.0.1.1', '127.0.1.2', '127.0.1.3']);
    expect(ended.stdout + ended.stderr).not.toContain('S3CRET');
  });

  it('says what was wrong with a proxy, leaves it alone, and shows no password', async () => {
    await using folder = await temporaryFolder();
    await using proxy = await startUnreliableProxy({ behaviour: 407 });
    const shown = `http://127.0.0.1:${proxy.port}`;
    const list = await writeList(folder.path('proxies.txt'), [shown.replace('//', '//ann:S3CRET@')]);
    const ended = await troupe(['fetch', `${url}/`, '--proxies', list, '--retries', '0']);
    expect(ended.code).toBe(1);
    expect(resultsOf(ended.stdout)).toMatchObject([
      { verdict: 'proxy-failed', error: 'FETCH_CONNECT: the proxy refused with 407' },
    ]);
    expect(ended.stderr).toContain(`troupe: the proxy ${shown} is left alone for `);
    expect(ended.stdout + ended.stderr).not.toContain('S3CRET');
  });

  it.each([
    ['undici', 'Firefox/'],
    ['impit', 'Firefox/'],
  ])('--transport %s --fingerprint: the browser that was asked for', async (transport, words) => {
    const args = ['--transport', transport, '--fingerprint', 'firefox,windows', '-q'];
    expect(await troupe(['fetch', `${url}/as/${transport}`, ...args])).toMatchObject({ code: 0, stderr: '' });
    const { userAgent } = seen.findLast(({ path }) => path === `/as/${transport}`)!;
    expect(userAgent).toContain(words);
    expect(userAgent).toContain('Windows');
  });

  it('--fingerprint alone: some browser', async () => {
    expect(await troupe(['fetch', '-q', `${url}/some`, '--fingerprint'])).toMatchObject({ code: 0 });
    expect(seen.findLast(({ path }) => path === '/some')!.userAgent).toMatch(/^Mozilla\/5\.0 /);
  });

  it('--site-delay and --min-delay hold users back', async () => {
    const pages = Array.from({ length: 4 }, (_, page) => `${url}/slowly/${page}`);
    const since = performance.now();
    await troupe(['fetch', '-q', ...pages, '--site-delay', '300ms', '--pace', 'off']);
    expect(performance.now() - since).toBeGreaterThan(3 * 270);
    const again = performance.now();
    await troupe(['fetch', '-q', ...pages, '--min-delay', '300ms', '--pool-size', '1']);
    expect(performance.now() - again).toBeGreaterThan(3 * 270);
  });

  it.each([
    ['site', 0],
    ['session', 1],
  ])('--block-scope %s: what a block costs', async (scope, retired) => {
    const ended = await troupe(['fetch', `${url}/403`, '--block-scope', scope, '--retries', '0']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`1 created, ${retired} retired`);
  });

  it.each([
    [
      ['--fingerprint', 'chrom'],
      'knows no "chrom". Did you mean chrome? Known: chrome, edge, firefox, safari',
    ],
    [['--fingerprint', 'netscape'], 'knows no "netscape". Known: chrome'],
    [['--fingerprint', 'safari,windows', '--transport', 'impit'], 'no version of safari on windows'],
    [['--transport', 'curl'], 'Allowed choices are undici, impit'],
    [['--pace', 'fast'], 'Allowed choices are auto, off'],
    [['--site-delay', '5'], 'the unit is missing'],
    [['--proxies', '/nowhere/list.txt'], 'ENOENT'],
  ])('refuses %s before anything is fetched', async (args, words) => {
    const { code, stdout, stderr } = await troupe(['fetch', `${url}/never`, ...args]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(words);
    expect(seen.some(({ path }) => path === '/never')).toBe(false);
  });
});
