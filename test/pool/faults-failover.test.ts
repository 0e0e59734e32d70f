import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import { startFaultProxy } from '../../playground/servers/fault-proxy.ts';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { SessionPool } from '../../src/index.ts';
import { redisStore } from '../../src/stores/redis/redis-store.ts';
import { redisUrl } from '../servers/index.ts';
import { failureOf, sleep, until } from './helpers.ts';

async function command(url: string, ...args: string[]): Promise<string> {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  try {
    return String(await client.sendCommand(args));
  } finally {
    client.destroy();
  }
}

describe.skipIf(!redisUrl)('a Redis that fails over to a replica', () => {
  it('keeps what the replica has; what it lacks is told as lost, and the pool goes on', async () => {
    await using primary = await startRedis();
    await using link = await startFaultProxy(primary);
    await using replica = await startRedis({
      config: ['--replicaof', link.host, String(link.port), '--repl-diskless-sync-delay', '0'],
    });
    const address = { host: primary.host, port: primary.port };
    await using proxy = await startFaultProxy(address);
    await using store = redisStore({ url: proxy.through(primary.url) });
    await using pool = new SessionPool({ store, maxPoolSize: 2, leaseMs: 3_000, timeoutMs: 20_000 });
    const lost: string[] = [];
    pool.on('lost', ({ sessionId }) => lost.push(sessionId));
    await pool.add([{ id: 'a' }, { id: 'b' }]);
    const known = await pool.acquire({ id: 'a' });
    await until(
      async () => (await command(replica.url, 'INFO', 'replication')).includes('master_link_status:up'),
      'the replica is in step',
    );
    expect(await command(primary.url, 'WAIT', '1', '5000')).toBe('1');
    // From here on the replica hears nothing.
    link.stall();
    const unknown = await pool.acquire({ id: 'b' });
    unknown.session.userData.by = 'one whom the replica does not know';
    await primary.kill();
    link.refuse();
    link.cut();
    // Before it is promoted it refuses writes: as good as away.
    Object.assign(address, { host: replica.host, port: replica.port });
    const released = failureOf(unknown.release());
    known.session.userData.by = 'one whom it knows';
    known.session.markGood();
    const saved = known.release();
    await sleep(300);
    await command(replica.url, 'REPLICAOF', 'NO', 'ONE');
    await saved;
    expect(await released).toMatchObject({ code: 'LEASE_LOST' });
    expect(lost).toEqual(['b']);
    const [a, b] = [await pool.acquire({ id: 'a' }), await pool.acquire({ id: 'b' })];
    expect([a.session.userData, a.session.usageCount]).toEqual([{ by: 'one whom it knows' }, 1]);
    expect([b.session.userData, b.session.usageCount]).toEqual([{}, 0]);
    await Promise.all([a.release(), b.release()]);
  }, 40_000);
});
