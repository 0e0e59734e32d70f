import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { postgresUrl, redisUrl } from '../servers/index.ts';
import { runSeed } from './run-seed.ts';
import { startServer } from './stage.ts';

/** The whole proof is `npm run test:chaos`; here is one short run on each store, of another seed each time. */
describe('a store under faults', { timeout: 120_000 }, () => {
  const isInstalled = { sqlite: true, redis: redisUrl !== '', postgres: postgresUrl !== '' };

  describe.each(['sqlite', 'redis', 'postgres'] as const)('%s', (store) => {
    it.skipIf(!isInstalled[store])('keeps its promises', async () => {
      const seed = 1 + Math.floor(Math.random() * 1_000_000);
      const folder = mkdtempSync(join(tmpdir(), `troupe-chaos-${store}-`));
      const server = await startServer(store);
      try {
        const { violations, tally } = await runSeed({ store, seed, seconds: 2, workers: 3, folder, server });
        const again = `npm run test:chaos -- --store ${store} --seed ${seed} --seeds 1 --seconds 2 --workers 3`;
        expect(violations, `${again}; logs: ${folder}`).toEqual([]);
        // It would prove nothing if nothing had happened.
        expect(tally.holds).toBeGreaterThan(10);
        expect(tally.hops).toBeGreaterThan(10);
        rmSync(folder, { recursive: true });
      } finally {
        await server?.close();
      }
    });
  });
});

describe('npm run test:chaos', { timeout: 120_000 }, () => {
  const run = (...args: string[]) => {
    const program = fileURLToPath(new URL('main.ts', import.meta.url));
    return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  };

  // What a decorator breaks is found on any store; the file needs no server.
  it.each([
    ['forgets-releases', 'counts: '],
    ['ends-leases-early', 'one holder: '],
  ])('finds that a store %s, and says how to see it again', (broken, found) => {
    const { status, stdout } = run('--store', 'sqlite', '--seeds', '1', '--seconds', '2', '--broken', broken);
    expect(stdout).toContain(found);
    expect(stdout).toContain(
      `npm run test:chaos -- --store sqlite --seed 1 --seeds 1 --seconds 2 --workers 4 --broken ${broken}`,
    );
    const logs = /^logs: (.+)$/m.exec(stdout)![1]!;
    expect(existsSync(join(logs, 'sqlite-1', 'worker-0.0.log'))).toBe(true);
    rmSync(logs, { recursive: true });
    expect(status).toBe(1);
  });

  it('explains itself, and refuses what it does not know', () => {
    expect(run('--help').stdout).toContain('--seeds N');
    const refused = run('--store', 'mysql');
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('--store must be one of sqlite, redis, postgres; got mysql');
  });
});
