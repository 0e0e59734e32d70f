// A server configured as the guide says bears a pool, with a user who may no more than the guide says.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startRedis } from '../../playground/servers/redis-server.ts';
import { SessionPool } from '../../src/index.ts';
import { redisUrl } from '../servers/index.ts';
import { readPages } from './blocks.ts';

const blocks = readPages().flatMap((page) => page.blocks);

function configuration(name: string): string {
  const found = blocks.filter(({ label }) => label === name);
  expect(found, name).toHaveLength(1);
  return found[0]!.code;
}

describe.skipIf(!redisUrl)('docs/production.md', () => {
  it('has a configuration and a user for Redis that bear a pool', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-docs-'));
    const users = join(folder, 'users.acl');
    writeFileSync(users, configuration('users.acl'));
    const settings = configuration('redis.conf')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .flatMap((line) => [`--${line.slice(0, line.indexOf(' '))}`, line.slice(line.indexOf(' ') + 1)]);
    await using server = await startRedis({ config: [...settings, '--aclfile', users] });
    const password = />(\S+)/.exec(configuration('users.acl'))![1];
    const url = server.url.replace('redis://', `redis://troupe:${password}@`);

    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on('warning', hear);
    try {
      await using pool = new SessionPool({ store: url, maxPoolSize: 1 });
      await using other = new SessionPool({ store: url, create: false });
      const lease = await pool.acquire();
      const waiting = other.acquire({ url: 'https://shop.example/' });
      lease.session.rest(0, { site: 'other.example' });
      lease.session.cookies.set('login', 'yes', { domain: 'shop.example' });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const freedAt = performance.now();
      await lease.release();
      await using next = await waiting;
      expect(performance.now() - freedAt).toBeLessThan(5_000);
      expect(next.session.cookies.size).toBe(1);
      expect((await pool.stats()).sessions.leased).toBe(1);
    } finally {
      process.off('warning', hear);
      rmSync(folder, { recursive: true, force: true });
    }
    expect(warnings.filter(({ name }) => name === 'TroupeWarning')).toEqual([]);
  });
});
