import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { SessionCookies } from '../../src/cookies/session-cookies.ts';
import { type FetchIdentity, type FetchInit, fetchAs, type HopInfo } from '../../src/transport/fetch.ts';
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

/** A user whose connections end with the test. */
export function makeUser(
  options: UndiciTransportOptions = {},
  more: Partial<Pick<FetchIdentity, 'beforeHop' | 'defaultHeaders'>> = {},
) {
  const transport = new UndiciTransport(options);
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
