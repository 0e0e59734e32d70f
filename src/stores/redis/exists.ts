import { loadRedis } from './client.ts';
import { DEFAULT_POOL, keysOf } from './keys.ts';
import { toStoreError } from './redis-errors.ts';
import { readUrl } from './url.ts';

const CONNECT_TIMEOUT_MS = 5000;

/** Whether the pool at that URL holds anything. Nothing is made by asking. @throws StoreError, OptionError */
export async function redisPoolExists(text: string): Promise<boolean> {
  const { url, where, pool = DEFAULT_POOL } = readUrl(text);
  const { createClient } = await loadRedis();
  const client = createClient({
    url,
    RESP: 2,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
  });
  // Unheard it would end the process; the calls tell of it.
  client.on('error', () => {});
  try {
    await client.connect();
    return Number(await client.sendCommand(['EXISTS', ...keysOf(pool)])) > 0;
  } catch (error) {
    throw toStoreError(error, where);
  } finally {
    if (client.isOpen) client.destroy();
  }
}
