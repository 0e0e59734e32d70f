import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startPlayground } from '../../playground/site.ts';
import { resultsOf } from './troupe.ts';

const start = fileURLToPath(new URL('../../playground/start.ts', import.meta.url));

function npmStart(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [start, ...args], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

describe('npm start', () => {
  it('fetches a whole site that defends itself, and shows that no two users were mixed up', async () => {
    const { code, stdout, stderr } = await npmStart();
    const path = (name: string) => new RegExp(`${name} +(\\S+)\\n`).exec(stderr)![1]!;
    const results = resultsOf(await readFile(path('results'), 'utf8'));
    await rm(dirname(path('results')), { recursive: true, force: true });
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('0 requests with the cookies of another, 0 connections shared by two');
    expect(stderr).toContain(`${results.length} done, ${results.length} good`);
    expect(results.length).toBeGreaterThan(290);
    // The defences were met, and got over.
    expect(results.some(({ attempts }) => attempts! > 1)).toBe(true);
    const number = (pattern: RegExp) => Number(pattern.exec(stderr)![1]);
    expect(number(/retries +(\d+)/)).toBeGreaterThan(0);
    // Whoever was turned away went on at a pace that the site bears: hardly anybody goes too far.
    expect(number(/(\d+) of them banned/)).toBeLessThan(5);
    expect(stderr).toContain('sessions ls --store sqlite:');
  }, 90_000);

  it('fetches the URLs that it is given', async () => {
    await using site = await startPlayground();
    const { code, stdout } = await npmStart(`${site.url}/item/1`, '--quiet');
    expect(code).toBe(0);
    expect(resultsOf(stdout)).toMatchObject([{ status: 200, verdict: 'ok' }]);
  });
});
