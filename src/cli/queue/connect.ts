import { OLDEST_REDIS, readServerFacts } from '../../stores/redis/server-facts.ts';
import { UsageError } from '../exit-codes.ts';
import { loadQueuePackages } from './packages.ts';
import type { QueuePlace } from './queue-url.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RECONNECT_MS = 1_000;
/** A call made while the server is away waits so long for it; who made it asks again, or has been told to stop. */
const AWAY_MS = 1_000;
/** Every connection has something to hear each second or two: one that is silent for longer is dead without knowing. */
const SILENCE_MS = 15_000;

type RedisClient = ReturnType<typeof import('redis')['createClient']>;

/** Told when the server goes away, and when it is back. */
export interface ConnectionEvents {
  away(): void;
  back(): void;
}

/**
 * Connects to the Redis of a queue, and sees that a queue is safe there. A connection that is lost later is made
 * anew for as long as it takes.
 * @throws UsageError where there is none, it lets nobody in, is too old, or evicts keys
 */
export async function connect(place: QueuePlace, events: ConnectionEvents): Promise<RedisClient> {
  const { redis } = await loadQueuePackages();
  let wasReady = false;
  const client = redis.createClient({
    url: place.url,
    commandOptions: { timeout: AWAY_MS },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      // At first a wrong address is told at once; later the server may be starting again.
      reconnectStrategy: (retries) => (wasReady ? Math.min(MAX_RECONNECT_MS, 50 * 2 ** retries) : false),
    },
  }) as RedisClient;
  let isAway = false;
  client.on('error', () => {
    if (!wasReady || isAway) return;
    isAway = true;
    events.away();
  });
  client.on('ready', () => {
    if (isAway) events.back();
    isAway = false;
  });
  try {
    await client.connect();
    checkServer(await client.info(), place);
  } catch (error) {
    if (client.isOpen) client.destroy();
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the queue ${place.shown} cannot be used: ${reasonOf(error)}`);
  }
  wasReady = true;
  return client;
}

function checkServer(info: string, { shown }: QueuePlace): void {
  // BullMQ asks for the same version as our store.
  const { version, isTooOld, evictionPolicy } = readServerFacts(info);
  if (version === undefined || isTooOld) {
    throw new UsageError(
      `the queue ${shown} needs Redis ${OLDEST_REDIS.join('.')} or newer; this is ${version}`,
    );
  }
  if (evictionPolicy !== undefined) {
    throw new UsageError(
      `the queue ${shown} would lose URLs: its Redis throws keys away when memory is short (maxmemory-policy ${evictionPolicy}); it must be noeviction`,
    );
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  const text = String(message ?? error);
  if (/^(WRONGPASS|ERR invalid password)/.test(text)) return 'wrong user name or password';
  if (text.startsWith('NOAUTH')) return 'it asks for a password: redis://:PASSWORD@host';
  if (code === 'ECONNREFUSED') return 'nobody listens there (ECONNREFUSED)';
  return text;
}
