import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startPostgres } from '../../playground/servers/postgres-server.ts';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { postgresUrl, redisUrl } from './index.ts';

describe.skipIf(!redisUrl || !postgresUrl)('servers for the tests', () => {
  it.each([
    ['redis', startRedis],
    ['postgres', startPostgres],
  ])('%s is started again on the same port after kill -9, and gone after close', async (_name, start) => {
    const server = await start({ password: 'a secret/with signs' });
    const { port, pid } = server;
    await server.kill();
    await server.start();
    expect(server.pid).not.toBe(pid);
    expect(server.port).toBe(port);
    server.pause();
    await server.close();
    await server.close();
    const refused = await new Promise((resolve) => connect(port, '127.0.0.1').on('error', resolve));
    expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
