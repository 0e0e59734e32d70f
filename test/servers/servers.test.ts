import { describe, it } from 'vitest';
import { startPostgres } from '../../playground/servers/postgres-server.ts';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { postgresUrl, redisUrl } from './index.ts';
import { expectLifecycle } from './lifecycle.ts';

describe.skipIf(!redisUrl || !postgresUrl)('servers for the tests', () => {
  it.each([
    ['redis', startRedis],
    ['postgres', startPostgres],
  ])('%s is started again on the same port after kill -9, and gone after close', async (_name, start) => {
    const server = await start({ password: 'a secret/with signs' });
    await expectLifecycle(server);
  });
});
