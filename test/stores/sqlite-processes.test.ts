import { spawn } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, it } from 'vitest';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { hammer, hammerTogether, session } from './hammer.ts';
import { sqliteFiles } from './sqlite-files.ts';

const files = sqliteFiles();
afterAll(() => files.removeAll());

it('gives no session to two of four processes that share a file, and loses no use', async () => {
  const path = files.newPath();
  const store = sqliteStore({ path });
  const reports = await hammerTogether(store, `sqlite:${path}`);
  await store.close();
  // Generous: four processes on a loaded machine may be kept waiting by the scheduler alone.
  expect(Math.max(...reports.map(({ longestStallMs }) => longestStallMs))).toBeLessThan(2000);
  expect(Math.max(...reports.map(({ slowestCallMs }) => slowestCallMs))).toBeLessThan(30_000);
});

it('is made only once when several processes make it at the same time', async () => {
  for (let round = 0; round < 3; round++) {
    const path = files.newPath();
    const reports = await Promise.all(Array.from({ length: 4 }, () => hammer(`sqlite:${path}`, 10, 1)));
    expect(reports).toHaveLength(4);
    const store = sqliteStore({ path });
    expect((await store.count()).living).toBe(0);
    await store.close();
  }
});

it('waits for another writer without blocking the event loop', async () => {
  const path = files.newPath();
  const store = sqliteStore({ path });
  await store.add([session('a')]);
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  setTimeout(() => other.exec('COMMIT'), 300);
  const start = performance.now();
  const result = await store.lease({
    rotation: 'round-robin',
    fill: 'on-demand',
    leaseMs: 1000,
    holder: 'test:1',
  });
  const waited = performance.now() - start;
  clearInterval(timer);
  expect(result.kind).toBe('leased');
  expect(waited).toBeGreaterThan(290);
  expect(turns).toBeGreaterThan(3);
  other.close();
  await store.close();
});

it('wakes who waits when another process gives a session back', async () => {
  const path = files.newPath();
  const store = sqliteStore({ path });
  await store.add([session('a')]);
  const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 30_000, holder: 'test:1' } as const;
  const held = await store.lease(request);
  if (held.kind !== 'leased') throw new Error('not leased');
  const woken: number[] = [];
  const stop = store.watch?.(() => woken.push(performance.now()));
  // The process that gives it back is another one: the lease is plain data.
  const program = `
    import { sqliteStore } from ${JSON.stringify(new URL('../../src/stores/sqlite/sqlite-store.ts', import.meta.url).href)};
    const store = sqliteStore({ path: ${JSON.stringify(path)} });
    process.exitCode = (await store.release(${JSON.stringify(held.lease)}, null)) === 'released' ? 0 : 1;
    await store.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  expect(code).toBe(0);
  await expect.poll(() => woken.length, { timeout: 2000 }).toBeGreaterThan(0);
  expect((await store.lease(request)).kind).toBe('leased');
  stop?.();
  await store.close();
});
