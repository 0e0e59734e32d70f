import { readFileSync } from 'node:fs';
import { createSecureServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { SessionCookies } from '../../src/cookies/session-cookies.ts';
import type { BrowserIdentity, BrowserName } from '../../src/fingerprints/browser-identity.ts';
import { FingerprintMaker } from '../../src/fingerprints/fingerprint-maker.ts';
import { formBoundaryFor } from '../../src/fingerprints/form-boundary.ts';
import { headerOrderFor } from '../../src/fingerprints/header-order.ts';
import { type FetchInit, fetchAs } from '../../src/transport/fetch.ts';
import { ImpitTransport } from '../../src/transport/impit.ts';
import { loadImpit } from '../../src/transport/impit-package.ts';
import { impitCanAppearAs, profileFor } from '../../src/transport/impit-profiles.ts';
import { UndiciTransport } from '../../src/transport/undici.ts';
import { makeCertificate } from './certificates.ts';
import { clientHelloOf } from './client-hello.ts';
import { httpProxy } from './proxies.ts';

const impit = await loadImpit();
const certificate = makeCertificate();

/** What each browser asks a page for first. */
const identities = new Map<BrowserName, BrowserIdentity>();
beforeAll(async () => {
  for (const browser of ['chrome', 'firefox', 'edge', 'safari'] as const) {
    const maker = await FingerprintMaker.load(
      { browsers: [browser], devices: ['desktop', 'mobile'] },
      (kind) => impitCanAppearAs(impit.profiles, kind),
    );
    identities.set(browser, maker.make('DE'));
  }
});

type Way = 'undici' | 'impit';
const ways: Way[] = ['undici', 'impit'];

/** Fetches as this identity, as a session does. */
function visitor(identity: BrowserIdentity, way: Way, proxy?: string) {
  const { userAgent, headers } = identity;
  const transport =
    way === 'impit'
      ? new ImpitTransport({ userAgent, ignoreTlsErrors: true, ...(proxy && { proxy }) }, impit)
      : new UndiciTransport({ tls: { rejectUnauthorized: false }, ...(proxy && { proxy }) });
  onTestFinished(() => transport.close());
  const cookies = new SessionCookies();
  const user = {
    cookies,
    transport,
    userAgent,
    defaultHeaders: Object.entries(headers),
    headerOrder: headerOrderFor(userAgent),
    formBoundary: () => formBoundaryFor(userAgent),
    beforeHop() {},
  };
  return { cookies, fetch: (url: string, init?: FetchInit) => fetchAs(user, url, init) };
}

/** The lines of a request's head, as they came. */
async function rawSite(): Promise<{ url: string; heads: string[][] }> {
  const heads: string[][] = [];
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      heads.push(data.toString('latin1').split('\r\n\r\n')[0]!.split('\r\n').slice(1));
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, heads };
}

/** What an HTTP/2 site saw: names in their order. */
async function http2Site(): Promise<{ url: string; requests: [string, string][][] }> {
  const requests: [string, string][][] = [];
  const server = createSecureServer(certificate);
  const sessions = new Set<Http2Session>();
  server.on('session', (session: Http2Session) => sessions.add(session));
  server.on('stream', (stream: ServerHttp2Stream, _headers: object, _flags: number, raw: string[]) => {
    const pairs: [string, string][] = [];
    for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i]!, raw[i + 1]!]);
    requests.push(pairs);
    stream.respond({ ':status': 200 });
    stream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/`, requests };
}

const nameOf = (line: string) => line.split(':')[0]!;
const own = (names: string[]) => names.filter((name) => !/^(:.*|host|connection)$/i.test(name));

const orders: Record<string, string[]> = {
  chrome: [
    'sec-ch-ua',
    'sec-ch-ua-mobile',
    'sec-ch-ua-platform',
    'x-mine',
    'upgrade-insecure-requests',
    'user-agent',
    'accept',
    'sec-fetch-site',
    'sec-fetch-mode',
    'sec-fetch-user',
    'sec-fetch-dest',
    'accept-encoding',
    'accept-language',
    'cookie',
    'priority',
  ],
  firefox: [
    'user-agent',
    'accept',
    'accept-language',
    'accept-encoding',
    'x-mine',
    'cookie',
    'upgrade-insecure-requests',
    'sec-fetch-dest',
    'sec-fetch-mode',
    'sec-fetch-site',
    'sec-fetch-user',
    'priority',
    'te',
  ],
  safari: [
    'x-mine',
    'user-agent',
    'accept',
    'cookie',
    'sec-fetch-site',
    'sec-fetch-mode',
    'sec-fetch-dest',
    'accept-language',
    'priority',
    'accept-encoding',
  ],
};
orders.edge = orders.chrome!;

describe.each(ways)('over %s', (way) => {
  test.each(['chrome', 'edge', 'firefox', 'safari'] as const)(
    'headers go out in the order of %s, over HTTP/1.1 and HTTP/2',
    async (browser) => {
      const identity = identities.get(browser)!;
      const { fetch, cookies } = visitor(identity, way);
      cookies.set('sid', '1', { domain: '127.0.0.1' });
      cookies.set('sid', '1', { domain: 'localhost' });
      const [clear, secure] = [await rawSite(), await http2Site()];
      // Now and then a user's browser sends DNT, and not every answer of the generator has it.
      const order = orders[browser]!;
      const without = (names: string[]) => own(names).filter((name) => !/^dnt$/i.test(name));
      await fetch(clear.url, { headers: { 'x-mine': '1' } });
      const names = clear.heads[0]!.map(nameOf);
      expect(without(names).map((name) => name.toLowerCase())).toEqual(order);
      if (way === 'undici') expect(names).toContain('User-Agent');
      await fetch(secure.url, { headers: { 'x-mine': '1' } });
      const [request] = secure.requests;
      expect(without(request!.map(([name]) => name))).toEqual(order);
      const sent = Object.fromEntries(request!);
      for (const [name, value] of Object.entries(identity.headers)) {
        expect(sent[name.toLowerCase()], name).toBe(value);
      }
    },
  );

  test('the caller’s headers win, in the browser’s place', async () => {
    const { fetch } = visitor(identities.get('chrome')!, way);
    const { url, requests } = await http2Site();
    await fetch(url, {
      headers: { accept: 'application/json', 'user-agent': 'mine', 'sec-fetch-mode': 'cors' },
    });
    const sent = Object.fromEntries(requests[0]!);
    expect(sent).toMatchObject({
      accept: 'application/json',
      'user-agent': 'mine',
      'sec-fetch-mode': 'cors',
    });
    const names = requests[0]!.map(([name]) => name);
    expect(names.indexOf('user-agent')).toBeLessThan(names.indexOf('accept'));
    expect(names.indexOf('accept')).toBeLessThan(names.indexOf('sec-fetch-site'));
  });

  test.each([
    ['chrome', /^multipart\/form-data; boundary=----WebKitFormBoundary[A-Za-z0-9]{16}$/],
    ['firefox', /^multipart\/form-data; boundary=----geckoformboundary[0-9a-f]{32}$/],
  ] as const)('a form looks like %s’s', async (browser, type) => {
    const { url, requests } = await http2Site();
    const form = new FormData();
    form.set('a', '1');
    const { fetch } = visitor(identities.get(browser)!, way);
    await fetch(url, { method: 'POST', body: form });
    expect(Object.fromEntries(requests[0]!)['content-type']).toMatch(type);
  });

  test('a part of a body is asked for as it is, and not coded', async () => {
    const { url, requests } = await http2Site();
    await visitor(identities.get('chrome')!, way).fetch(url, { headers: { range: 'bytes=0-9' } });
    expect(Object.fromEntries(requests[0]!)['accept-encoding']).toBe('identity');
  });

  test('two users’ headers are never mixed', async () => {
    const { url, requests } = await http2Site();
    const users = (['chrome', 'firefox', 'edge'] as const).map((name) => identities.get(name)!);
    const visits = users.map((identity) => ({ identity, ...visitor(identity, way) }));
    const sent = new Map<string, string>();
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const { identity, fetch } = visits[index % visits.length]!;
        sent.set(`${url}?${index}`, identity.userAgent);
        await fetch(`${url}?${index}`);
      }),
    );
    expect(requests).toHaveLength(30);
    for (const request of requests) {
      const headers = Object.fromEntries(request);
      const identity = users.find(({ userAgent }) => userAgent === headers['user-agent'])!;
      expect(sent.get(`${url}${headers[':path']!.slice(1)}`)).toBe(identity.userAgent);
      expect(headers['sec-ch-ua']).toBe(identity.headers['sec-ch-ua']);
      expect(headers['accept-language']).toBe(identity.headers['Accept-Language']);
    }
  });

  test('what browsers tell only secure sites stays away from others', async () => {
    const proxy = await httpProxy({ routes: { 'shop.example': '127.0.0.1' } });
    const { url, heads } = await rawSite();
    const { port } = new URL(url);
    // A name that is not loopback's: only the proxy knows where it is.
    const { fetch } = visitor(identities.get('chrome')!, way, proxy.url);
    await fetch(`http://shop.example:${port}/`, { headers: { 'sec-fetch-mode': 'cors' } });
    const lines = heads[0]!.map((line) => line.toLowerCase());
    expect(lines).toContain('accept-encoding: gzip, deflate');
    expect(lines.filter((line) => /^(sec-|priority)/.test(line))).toEqual(['sec-fetch-mode: cors']);
  });
});

describe('the TLS handshake', () => {
  const hello = (browser: BrowserName, way: Way) =>
    clientHelloOf((url) => visitor(identities.get(browser)!, way).fetch(url));
  const sorted = (list: number[]) => list.toSorted((a, b) => a - b);

  test('over impit is the browser’s, and each browser has its own', async () => {
    const [chrome, firefox, safari, edge, node] = await Promise.all([
      hello('chrome', 'impit'),
      hello('firefox', 'impit'),
      hello('safari', 'impit'),
      hello('edge', 'impit'),
      hello('chrome', 'undici'),
    ]);
    for (const { alpn } of [chrome, firefox, safari, edge]) expect(alpn).toEqual(['h2', 'http/1.1']);
    const suites = [chrome, firefox, safari, node].map(({ ciphers }) => ciphers.join());
    expect(new Set(suites).size).toBe(4);
    expect(edge.ciphers).toEqual(chrome.ciphers);
    expect(sorted(edge.extensions)).toEqual(sorted(chrome.extensions));
    // Chromium: GREASE, ALPS (17613) and compressed certificates (27); Firefox: record_size_limit (28).
    expect([chrome.hasGrease, firefox.hasGrease, node.hasGrease]).toEqual([true, false, false]);
    expect(chrome.extensions).toEqual(expect.arrayContaining([17613, 27]));
    expect(firefox.extensions).toContain(28);
    expect(firefox.extensions).not.toContain(17613);
    expect(node.extensions).not.toEqual(expect.arrayContaining([27]));
  });

  test('over undici is Node’s, whatever the headers say', async () => {
    const [chrome, firefox] = [await hello('chrome', 'undici'), await hello('firefox', 'undici')];
    expect(chrome.ciphers).toEqual(firefox.ciphers);
    expect(chrome.extensions).toEqual(firefox.extensions);
  });
});

test.each([
  ['chrome', 'chrome142'],
  ['firefox', 'firefox135'],
  ['safari', 'ios18'],
] as const)('the order of %s is the one that impit knows by itself', async (browser, profile) => {
  const { url, heads } = await rawSite();
  const client = new impit.Impit({ browser: profile, followRedirects: false });
  await client.fetch(url, { method: 'GET', headers: [], timeout: 10_000, redirect: 'manual' });
  const { fetch } = visitor(identities.get(browser)!, 'impit');
  await fetch(url);
  const [known, ours] = heads.map((lines) => lines.map(nameOf).filter((name) => name !== 'dnt'));
  expect(ours).toEqual(known);
});

describe('profiles of impit', () => {
  test('are found by asking', () => {
    const { chromium, firefox, ios } = impit.profiles;
    expect([...chromium.keys()]).toEqual(expect.arrayContaining([116, 124, 131, 136, 142]));
    expect([...firefox.keys()]).toEqual(expect.arrayContaining([128, 133, 135]));
    expect(ios.has(18)).toBe(true);
    expect(chromium.get(142)).toBe('chrome142');
  });

  test('and what both it and the generator know is what the guide says', async () => {
    const guide = readFileSync(new URL('../../docs/fingerprints.md', import.meta.url), 'utf8');
    const rows = [...guide.matchAll(/^\| (Chrome|Edge|Firefox|Safari)[^|]* \| (\d+) \| ([^|]+) \|$/gm)];
    const told = rows.flatMap(([, browser, version, systems]) =>
      [...systems!.matchAll(/Windows|macOS|Linux|Android|iOS/g)].map(([system]) =>
        `${browser} ${version} on ${system}`.toLowerCase(),
      ),
    );
    const maker = await FingerprintMaker.load({ devices: ['desktop', 'mobile'] }, (kind) =>
      impitCanAppearAs(impit.profiles, kind),
    );
    expect(maker.browsers.toSorted()).toEqual(told.toSorted());
  });

  const chrome = (version: number, system = 'Windows NT 10.0; Win64; x64') =>
    `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;

  test.each([
    [chrome(142), 'chrome142'],
    [`${chrome(142)} Edg/142.0.0.0`, 'chrome142'],
    [chrome(150), 'chrome142'],
    [chrome(100), 'chrome110'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'firefox135'],
    [chrome(142, 'Linux; Android 10; K'), 'chrome142'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
      undefined,
    ],
    ['curl/8.0', undefined],
  ])('%s → %s', (userAgent, profile) => {
    expect(profileFor(impit.profiles, userAgent)).toBe(profile);
    if (profile) return;
    expect(() => new ImpitTransport({ userAgent }, impit)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(userAgent) }),
    );
  });
});
