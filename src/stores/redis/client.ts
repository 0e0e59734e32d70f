import { TroupeError } from '../../errors.ts';

/** What the store calls of a client. Those that `createClient` of the package `redis` makes fit. */
export interface RedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  sendCommand(args: string[], options?: object): Promise<unknown>;
  duplicate(overrides?: object): RedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

/** With each command: its answer as text and numbers, and no timer of the client's (we have one for all). */
export const COMMAND_OPTIONS = { timeout: undefined, typeMapping: {} };

/** The `redis` package, loaded on first use. */
export async function loadRedis(): Promise<{ createClient(options: object): RedisClient }> {
  try {
    return (await import('redis')) as unknown as { createClient(options: object): RedisClient };
  } catch (error) {
    throw new TroupeError(
      'MISSING_PACKAGE',
      'a store on Redis needs the package "redis": npm install redis',
      { cause: error },
    );
  }
}
