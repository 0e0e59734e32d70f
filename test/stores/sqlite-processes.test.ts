import { spawn } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { NewSession } from '../../src/stores/store.ts';
import { sqliteFiles } from './sqlite-files.ts';
import type { HammerReport, Hold } from './sqlite-hammer.ts';

const files = sqliteFiles();
afterAll(() => files.removeAll());

function session(id: string): NewSession {
  return {
    id,
    ageMs: 0,
    expiresInMs: null,
    usageCount: 0,
    maxUsageCount: null,
    errorScore: 0,
    body: 'use 0',
  };
}

async function hammer(path: string, ms: number, users: number): Promise<HammerReport> {
  const program = fileURLToPath(new URL('./sqlite-hammer.ts', import.meta.url));
  const child = spawn(process.execPath, [program, path, String(ms), String(users)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk;
  return JSON.parse(output) as HammerReport;
}

function overlaps(holds: readonly Hold[]): number {
  const sorted = [...holds].sort((a, b) => Number(BigInt(a.from) - BigInt(b.from)));
  return sorted.filter((hold, index) => index > 0 && BigInt(hold.from) < BigInt(sorted[index - 1]!.to))
    .length;
}

it('gives no session to two of four processes that share a file, and loses no use', async () => {
  const path = files.newPath();
  const store = sqliteStore({ path });
  // Fewer sessions than users: they fight for them.
  const ids = Array.from({ length: 20 }, (_, index) => `s-${index}`);
  await store.add(ids.map(session));
  const reports = await Promise.all(Array.from({ length: 4 }, () => hammer(path, 2000, 10)));

  const holds = reports.flatMap((report) => report.holds);
  expect(holds.length).toBeGreaterThan(500);
  for (const report of reports) expect(report.holds.length).toBeGreaterThan(20);
  expect(new Set(holds.map(({ id, fence }) => `${id} ${fence}`)).size).toBe(holds.length);
  for (const id of ids) {
    const ofOne = holds.filter((hold) => hold.id === id);
    expect(overlaps(ofOne)).toBe(0);
    const stored = await store.get(id);
    expect(stored?.usageCount).toBe(ofOne.length);
    expect(stored?.body).toBe(`use ${ofOne.length}`);
  }
  expect((await store.count()).leased).toBe(0);
  await store.close();
  // Generous: four processes on a loaded machine may be kept waiting by the scheduler alone.
  expect(Math.max(...reports.map(({ longestStallMs }) => longestStallMs))).toBeLessThan(400);
  expect(Math.max(...reports.map(({ slowestCallMs }) => slowestCallMs))).toBeLessThan(5000);
});

it('is made only once when several processes make it at the same time', async () => {
  for (let round = 0; round < 3; round++) {
    const path = files.newPath();
    const reports = await Promise.all(Array.from({ length: 4 }, () => hammer(path, 10, 1)));
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
  expect(turns).toBeGreaterThan(20);
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
