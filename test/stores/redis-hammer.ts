/**
 * A process that leases and releases on one Redis pool for a while, and then prints what it held. Started as
 * `node redis-hammer.ts <url> <ms> <users>`.
 */
import { redisStore } from '../../src/stores/redis/redis-store.ts';

/** A session was held between two instants of the machine's monotonic clock, in nanoseconds. */
export interface Hold {
  id: string;
  fence: number;
  from: string;
  to: string;
}

const [url, ms, users] = process.argv.slice(2) as [string, string, string];
const store = redisStore({ url });
await store.open();
const holds: Hold[] = [];

const until = performance.now() + Number(ms);
async function user(): Promise<void> {
  while (performance.now() < until) {
    const result = await store.lease({
      rotation: 'round-robin',
      fill: 'on-demand',
      leaseMs: 30_000,
      holder: `hammer:${process.pid}`,
    });
    if (result.kind !== 'leased') {
      await new Promise((resolve) => setTimeout(resolve, 2));
      continue;
    }
    const from = process.hrtime.bigint();
    await new Promise((resolve) => setImmediate(resolve));
    const to = process.hrtime.bigint();
    const usageCount = result.session.usageCount + 1;
    const change = { usageCount, errorScore: 0, status: 'usable', body: `use ${usageCount}` } as const;
    const answer = await store.release(result.lease, change);
    if (answer !== 'released') throw new Error(`release answered ${answer}`);
    holds.push({ id: result.lease.id, fence: result.lease.fence, from: String(from), to: String(to) });
  }
}

await Promise.all(Array.from({ length: Number(users) }, user));
await store.close();
process.stdout.write(JSON.stringify(holds));
