import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Addresses } from './addresses.ts';
import { dispatch } from './dispatch.ts';
import type { Site } from './exchange.ts';
import { Flakiness } from './flaky.ts';
import { Ledger } from './ledger.ts';
import { type PlaygroundOptions, resolveOptions } from './options.ts';
import { Users } from './users.ts';

export type { LedgerSnapshot, LedgerSummary } from './ledger.ts';
export { Ledger } from './ledger.ts';
export type { PlaygroundOptions } from './options.ts';
export { playgroundPassword } from './routes/login.ts';

/** A running playground. */
export interface Playground extends AsyncDisposable {
  /** Its origin, without a slash at the end: `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly ledger: Ledger;
  /** Stops it and cuts every connection. May be called twice. */
  close(): Promise<void>;
}

/** Starts a local site that defends itself; its pages are listed in `playground/README.md`. */
export async function startPlayground(options?: PlaygroundOptions): Promise<Playground> {
  const resolved = resolveOptions(options);
  const site: Site = {
    options: resolved,
    users: new Users(),
    addresses: new Addresses(),
    ledger: new Ledger(),
    flakiness: new Flakiness(resolved.flakyRatio, resolved.seed),
    unavailability: new Flakiness(resolved.unavailableRatio, resolved.seed),
  };
  // The site never ends an idle connection by itself: who shares one, and for how long, is the client's doing.
  // Headers may be large, so that a client with a full jar is answered and not refused.
  const server = createServer(
    { keepAliveTimeout: 600_000, maxHeaderSize: 256 * 1024, noDelay: true },
    (request, response) => dispatch(site, request, response),
  );
  await listen(server, resolved);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= stop(server);
    return closing;
  };
  return { url: originOf(server), ledger: site.ledger, close, [Symbol.asyncDispose]: close };
}

function listen(server: Server, { host, port }: Required<PlaygroundOptions>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Thousands of users may knock at once; the default queue holds 511.
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}

function originOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
