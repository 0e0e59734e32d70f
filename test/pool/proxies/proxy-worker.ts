import { SessionPool } from '../../../src/index.ts';

/* A process that fetches a page once through the proxies of a list, and says which were quarantined. */
const [store, url, ...proxies] = process.argv.slice(2) as [string, string, ...string[]];
await using pool = new SessionPool({ store, proxies });
pool.on('proxyQuarantined', ({ proxy }) => process.stdout.write(`${proxy}\n`));
await pool.fetch(url, { retries: 0, timeoutMs: 5_000 }).catch(() => {});
