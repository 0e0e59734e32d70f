import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Clock,
  memoryStore,
  type PooledSession,
  SessionPool,
  type SessionPoolOptions,
  type SessionStore,
  sqliteStore,
} from '../../src/index.ts';

export type StoreKind = 'memory' | 'sqlite';

/** The two stores that every user has: what a pool promises holds on both. */
export const storeKinds: StoreKind[] = ['memory', 'sqlite'];

/** Pools over one set of sessions, real ones, gone with the test. */
export class Scene implements AsyncDisposable {
  readonly #folder: string;
  readonly #kind: StoreKind;
  readonly #clock: Clock | undefined;
  readonly #pools: SessionPool[] = [];
  readonly #stores: SessionStore[] = [];

  constructor(folder: string, kind: StoreKind, clock: Clock | undefined) {
    this.#folder = folder;
    this.#kind = kind;
    this.#clock = clock;
  }

  /** The SQLite file, whether or not it is there. */
  get file(): string {
    return join(this.#folder, 'pool.db');
  }

  /** A pool over the scene's sessions. On SQLite each has a connection of its own, as another process has. */
  pool(options: SessionPoolOptions = {}): SessionPool {
    const pool = new SessionPool({
      ...(this.#clock ? { clock: this.#clock } : {}),
      timeoutMs: 20_000,
      store: this.store(),
      ...options,
    });
    this.#pools.push(pool);
    return pool;
  }

  store(): SessionStore {
    const clock = this.#clock ? { clock: this.#clock } : {};
    if (this.#kind === 'memory') {
      if (this.#stores.length === 0) this.#stores.push(memoryStore(clock));
      return this.#stores[0]!;
    }
    const store = sqliteStore({ path: this.file, ...clock });
    this.#stores.push(store);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pool of this.#pools) await pool.close();
    for (const store of this.#stores) await store.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

export async function scene(kind: StoreKind, clock?: Clock): Promise<Scene> {
  return new Scene(await mkdtemp(join(tmpdir(), 'troupe-pool-')), kind, clock);
}

export interface TestSite extends AsyncDisposable {
  /** Its origin, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** `METHOD path` of every request, in order. */
  readonly seen: string[];
}

/** A real web site on the loopback interface that answers as the test says. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  host = '127.0.0.1',
): Promise<TestSite> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    void answer(request, response);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    port,
    seen,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A port on which nobody listens: no system gives it away, as it may one that was in use a moment ago. */
export const deadPort = 1;

/** Whether it is still pending after everything that could settle it at once has had its turn. */
export async function isPending(promise: Promise<unknown>, forMs = 30): Promise<boolean> {
  const pending = Symbol('pending');
  const later = new Promise((resolve) => setTimeout(resolve, forMs, pending));
  return (await Promise.race([promise.catch(() => {}), later])) === pending;
}

/** The error a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it was expected to fail, and did not');
}

/** Waits until a condition holds, however busy the machine is. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** All sessions of a pool, in the order of their ids. */
export async function sessionsOf(pool: SessionPool): Promise<PooledSession[]> {
  const sessions: PooledSession[] = [];
  for await (const session of pool.list()) sessions.push(session);
  return sessions;
}
