import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startPlaygroundProcess } from '../../playground/start-process.ts';
import { ask } from './client.ts';

const main = fileURLToPath(new URL('../../playground/main.ts', import.meta.url));
const startProcess = fileURLToPath(new URL('../../playground/start-process.ts', import.meta.url));

describe('startPlaygroundProcess', () => {
  it('serves from a process of its own, with the options and a ledger to read from afar', async () => {
    await using site = await startPlaygroundProcess({
      pageBytes: 300,
      requestsPerCookie: 1,
      bindUserAgent: false,
    });
    const entry = await ask(`${site.url}/`);
    const cookie = entry.setCookies[0]!.split(';')[0]!;
    const item = await ask(`${site.url}/item/1`, { headers: { cookie }, userAgent: 'other/1' });
    expect(item.body).toHaveLength(300);
    expect((await ask(`${site.url}/item/1`, { headers: { cookie } })).status).toBe(429);
    expect(await site.ledger()).toMatchObject({ requests: 3, byStatus: { 200: 2, 429: 1 } });
    await site.reset();
    expect(await site.summary()).toMatchObject({ requests: 0 });
    await site.close();
    await site.close();
    await expect(ask(`${site.url}/plain/1`)).rejects.toThrow();
  });

  it('rejects with the reason when it cannot start', async () => {
    await expect(startPlaygroundProcess({ port: 70_000 })).rejects.toThrow('port');
    await using site = await startPlaygroundProcess();
    const port = Number(new URL(site.url).port);
    await expect(startPlaygroundProcess({ port })).rejects.toThrow('EADDRINUSE');
  });

  it('ends when its parent is killed', async () => {
    const script = `import { startPlaygroundProcess } from ${JSON.stringify(startProcess)};
      console.log((await startPlaygroundProcess()).url);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await firstLine(parent.stdout);
    expect((await ask(`${url}/plain/1`)).status).toBe(200);
    parent.kill('SIGKILL');
    const isGone = () =>
      ask(`${url}/plain/1`).then(
        () => false,
        () => true,
      );
    await expect.poll(isGone, { timeout: 5_000, interval: 20 }).toBe(true);
  });
});

describe('playground/main.ts', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('says its URL first and ends cleanly on %s', async (signal) => {
    const child = spawn(process.execPath, [main, '--page-bytes', '400'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { url } = JSON.parse(await firstLine(child.stdout));
    expect((await ask(`${url}/plain/1`)).status).toBe(200);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.each([
    ['--pot', '1'],
    ['--port', 'x'],
    ['--port', ''],
    ['--retry-after-format', 'weeks'],
    ['--preset', 'mild'],
    ['--options', 'windowMs=500'],
    ['--options', '[1]'],
  ])('refuses %s %s without a stack', async (...args) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr.trim()).not.toBe('');
    expect(stderr).not.toContain('    at ');
  });

  it('explains itself', async () => {
    expect(await run(['--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--requests-per-cookie'),
    });
  });
});

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error('the process said nothing');
}

async function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}
