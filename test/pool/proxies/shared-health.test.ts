import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { expect, it } from 'vitest';
import { scene, serve, until } from '../helpers.ts';
import { listen, proxyThat } from '../proxy-helpers.ts';

const worker = fileURLToPath(new URL('proxy-worker.ts', import.meta.url));

it('a proxy that fails in one process is let alone by the others', { timeout: 60_000 }, async () => {
  await using site = await serve((_request, response) => response.end('a page'));
  await using place = await scene('sqlite');
  const { proxy, url, address } = await proxyThat(502);
  const store = `sqlite:${place.file}`;
  const pool = place.pool({ proxies: [url], timeoutMs: 300 });
  const told = listen(pool, 'proxyQuarantined');
  await pool.open();
  const { stdout } = await promisify(execFile)(process.execPath, [worker, store, site.url, url]);
  expect(stdout).toBe(`${address}\n`);
  const asked = proxy.asked.length;
  expect(asked).toBeGreaterThan(0);
  await until(async () => (await pool.stats()).proxies[address]?.state === 'quarantined', 'it is known here');
  await expect(pool.fetch(site.url)).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
  expect(proxy.asked).toHaveLength(asked);
  expect(told).toEqual([]);
});

it('a leased session, its pool and its options show no credential', async () => {
  await using place = await scene('sqlite');
  const accounts = [{ id: 'ada', password: 'password-4711' }];
  const pool = place.pool({ accounts, proxies: ['http://user-4711:SECRET@127.0.0.1:9'] });
  await using lease = await pool.acquire();
  // Or nothing would be found for another reason.
  expect(lease.session.proxy!.url).toContain('SECRET');
  const shown = [lease, lease.session, pool, pool.accounts]
    .map((one) => `${inspect(one, { depth: 12, showHidden: true })} ${JSON.stringify(one)} ${one}`)
    .join();
  expect(shown).toContain(lease.session.id);
  expect(shown).not.toMatch(/4711|SECRET/);
});
