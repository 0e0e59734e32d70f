import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, onTestFinished } from 'vitest';
import { SessionCookies } from '../../src/cookies/session-cookies.ts';
import { type FetchIdentity, type FetchInit, fetchAs, type HopInfo } from '../../src/transport/fetch.ts';
import { ImpitTransport } from '../../src/transport/impit.ts';
import { loadImpit } from '../../src/transport/impit-package.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { UndiciTransport, type UndiciTransportOptions } from '../../src/transport/undici.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that ends with the test. `origin` of another address than 127.0.0.1 is another site. */
export async function serve(
  handler: Handler,
  address = '127.0.0.1',
): Promise<{ origin: string; server: Server }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://${address}:${(server.address() as AddressInfo).port}`, server };
}

/** All that a server saw of a request, as JSON, for tests that ask what was sent. */
export async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const { method, url, headers, rawHeaders } = request;
  const seen = { method, url, headers, rawHeaders, body: Buffer.concat(pieces).toString() };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(seen));
}

export interface Seen {
  method: string;
  url: string;
  headers: Record<string, string | undefined>;
  rawHeaders: string[];
  body: string;
}

export type TransportName = 'undici' | 'impit';

const impit = await loadImpit();
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** A transport of this name, with what it knows of undici's options. */
export function makeTransport(name: TransportName, options: UndiciTransportOptions = {}): Transport {
  if (name === 'undici') return new UndiciTransport(options);
  const { proxy, connectTimeoutMs, headersTimeoutMs = connectTimeoutMs, bodyTimeoutMs, tls } = options;
  return new ImpitTransport(
    {
      userAgent: CHROME,
      ...(proxy !== undefined && { proxy }),
      ...(headersTimeoutMs !== undefined && { headersTimeoutMs }),
      ...(bodyTimeoutMs !== undefined && { bodyTimeoutMs }),
      // It takes no certificates from us.
      ...(tls && { ignoreTlsErrors: true }),
    },
    impit,
  );
}

type More = Partial<Pick<FetchIdentity, 'beforeHop' | 'defaultHeaders' | 'headerOrder' | 'userAgent'>>;

/** A user whose connections end with the test. */
export function makeUser(
  options: UndiciTransportOptions = {},
  more: More = {},
  name: TransportName = 'undici',
) {
  const transport = makeTransport(name, options);
  onTestFinished(() => transport.close());
  const hops: HopInfo[] = [];
  const cookies = new SessionCookies();
  const identity = {
    cookies,
    transport,
    userAgent: 'test/1',
    beforeHop() {},
    onHop: (info: HopInfo) => void hops.push(info),
    ...more,
  };
  const fetch = (input: string | URL | Request, init?: FetchInit) => fetchAs(identity, input, init);
  return { fetch, cookies, transport, hops, identity };
}

export interface TransportUnderTest {
  name: TransportName;
  limits: Transport['limits'];
  makeUser: (options?: UndiciTransportOptions, more?: More) => ReturnType<typeof makeUser>;
}

/** The same tests over every transport. Where one cannot do as the others, it says so in its `limits`. */
export function overEachTransport(define: (transport: TransportUnderTest) => void): void {
  describe.each<TransportName>(['undici', 'impit'])('over %s', (name) => {
    const { limits } = makeTransport(name);
    define({ name, limits, makeUser: (options, more) => makeUser(options, more, name) });
  });
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
