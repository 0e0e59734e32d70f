import { once } from 'node:events';
import { join } from 'node:path';
import { type FaultProxy, startFaultProxy } from '../../playground/servers/fault-proxy.ts';
import { startPostgres } from '../../playground/servers/postgres-server.ts';
import { startRedis } from '../../playground/servers/redis-server.ts';
import type { LocalServer } from '../../playground/servers/server-process.ts';
import type { StoreKind } from './plan.ts';
import { startChild } from './start-child.ts';

/** Starts the server that a kind of store needs; none for a file. */
export async function startServer(kind: StoreKind): Promise<LocalServer | undefined> {
  if (kind === 'sqlite') return undefined;
  return kind === 'redis' ? startRedis() : startPostgres();
}

/** The store of one run: where it is, and by which way each worker comes to it. */
export interface Stage {
  /** The harness's own way, past all faults. */
  readonly url: string;
  /** In the order of the workers; none for a file. */
  readonly proxies: readonly FaultProxy[];
  readonly urlOf: (worker: number) => string;
  readonly sitePort: number;
  close(): Promise<void>;
}

/** @param name of the pool or the schema: each run has its own on the same server */
export async function setStage(
  kind: StoreKind,
  server: LocalServer | undefined,
  { folder, name, workers }: { folder: string; name: string; workers: number },
): Promise<Stage> {
  const site = await startSite(join(folder, 'site.log'));
  const url = server
    ? `${server.url}?${kind === 'redis' ? 'pool' : 'schema'}=${name}`
    : `sqlite:${join(folder, 'pool.db')}`;
  const proxies: FaultProxy[] = [];
  if (server) for (let worker = 0; worker < workers; worker++) proxies.push(await startFaultProxy(server));
  return {
    url,
    proxies,
    urlOf: (worker) => proxies[worker]?.through(url) ?? url,
    sitePort: site.port,
    close: async () => {
      for (const proxy of proxies) await proxy.close();
      await site.close();
    },
  };
}

async function startSite(log: string): Promise<{ port: number; close(): Promise<void> }> {
  const child = startChild('site.ts', [log], ['pipe', 'pipe', 'inherit']);
  const ended = once(child, 'exit');
  const [said] = (await once(child.stdout!, 'data')) as [Buffer];
  return {
    port: Number(said.toString()),
    close: async () => {
      child.stdin!.end();
      await ended;
    },
  };
}
