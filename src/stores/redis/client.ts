import { TroupeError } from '../../errors.ts';

/** What the store calls of a client. Those of `createClient` in the package `redis` fit. */
export interface RedisClient extends RedisConnection {
  sendCommand(args: string[], options?: object): Promise<unknown>;
  duplicate(overrides?: object): RedisConnection;
}

/** The same for a Redis Cluster: those of `createCluster` fit. */
export interface RedisCluster extends RedisConnection {
  readonly masters: readonly unknown[];
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: object,
  ): Promise<unknown>;
  duplicate(overrides?: object): RedisConnection;
}

/** What both have in common. */
export interface RedisConnection {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  destroy(): unknown;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** With each command: its answer as text and numbers, and no timer of the client's (one here watches all calls). */
const COMMAND_OPTIONS = { timeout: undefined, typeMapping: {} };

/** How commands of a pool are sent; in a Cluster, to the node that has its keys. */
export function senderOf(
  client: RedisClient | RedisCluster,
  key: string,
): (args: string[]) => Promise<unknown> {
  if ('masters' in client) return (args) => client.sendCommand(key, false, args, COMMAND_OPTIONS);
  return (args) => client.sendCommand(args, COMMAND_OPTIONS);
}

/** The `redis` package, loaded on first use. @throws TroupeError `MISSING_PACKAGE` */
export async function loadRedis(): Promise<{ createClient(options: object): RedisClient }> {
  try {
    return (await import('redis')) as unknown as { createClient(options: object): RedisClient };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new TroupeError(
      'MISSING_PACKAGE',
      'a store on Redis needs the package "redis": npm install redis',
      {
        cause: error,
      },
    );
  }
}
