import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { NewSession, SessionStore } from '../../src/stores/store.ts';
import type { HammerReport, Hold } from './hammer-process.ts';

/** A process that leases and releases for a while, so many users at once. */
export async function hammer(url: string, ms: number, users: number): Promise<HammerReport> {
  const program = fileURLToPath(new URL('./hammer-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program, url, String(ms), String(users)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk;
  return JSON.parse(output) as HammerReport;
}

/** Four processes fight for the sessions of an empty store: none is held by two, and no use is lost. */
export async function hammerTogether(store: SessionStore, url: string): Promise<HammerReport[]> {
  // Fewer sessions than users.
  const ids = Array.from({ length: 20 }, (_, index) => `s-${index}`);
  await store.add(ids.map((id) => session(id)));
  const reports = await Promise.all(Array.from({ length: 4 }, () => hammer(url, 2000, 10)));

  const holds = reports.flatMap((report) => report.holds);
  expect(holds.length).toBeGreaterThan(200);
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
  return reports;
}

export function session(id: string, overrides: Partial<NewSession> = {}): NewSession {
  return {
    id,
    ageMs: 0,
    expiresInMs: null,
    usageCount: 0,
    maxUsageCount: null,
    errorScore: 0,
    body: 'use 0',
    ...overrides,
  };
}

function overlaps(holds: readonly Hold[]): number {
  const sorted = [...holds].sort((a, b) => Number(BigInt(a.from) - BigInt(b.from)));
  return sorted.filter((hold, index) => index > 0 && BigInt(hold.from) < BigInt(sorted[index - 1]!.to))
    .length;
}
