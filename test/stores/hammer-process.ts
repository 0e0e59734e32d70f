/**
 * A process that leases and releases on a store for a while, and then prints what it held and how long its event loop was
 * kept. Started by `hammer.ts` as `node hammer-process.ts <url> <ms> <users>`.
 */
import { openStore } from '../../src/stores/open-store.ts';

/** A session was held between two instants of the machine's monotonic clock, in nanoseconds. */
export interface Hold {
  id: string;
  fence: number;
  from: string;
  to: string;
}

export interface HammerReport {
  holds: Hold[];
  longestStallMs: number;
  slowestCallMs: number;
}

const [url, ms, users] = process.argv.slice(2) as [string, string, string];
const store = await openStore(url);
await store.count();

const holds: Hold[] = [];
let longestStallMs = 0;
let slowestCallMs = 0;
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  longestStallMs = Math.max(longestStallMs, now - last - 1);
  last = now;
}, 1);

async function timed<T>(call: T | Promise<T>): Promise<T> {
  const start = performance.now();
  const value = await call;
  slowestCallMs = Math.max(slowestCallMs, performance.now() - start);
  return value;
}

const until = performance.now() + Number(ms);
async function user(): Promise<void> {
  while (performance.now() < until) {
    const result = await timed(
      store.lease({
        rotation: 'round-robin',
        fill: 'on-demand',
        leaseMs: 30_000,
        holder: `hammer:${process.pid}`,
      }),
    );
    if (result.kind !== 'leased') {
      await new Promise((resolve) => setTimeout(resolve, 2));
      continue;
    }
    const from = process.hrtime.bigint();
    await new Promise((resolve) => setImmediate(resolve));
    const to = process.hrtime.bigint();
    const usageCount = result.session.usageCount + 1;
    const change = { usageCount, errorScore: 0, status: 'usable', body: `use ${usageCount}` } as const;
    const answer = await timed(store.release(result.lease, change));
    if (answer !== 'released') throw new Error(`release answered ${answer}`);
    holds.push({ id: result.lease.id, fence: result.lease.fence, from: String(from), to: String(to) });
  }
}

await Promise.all(Array.from({ length: Number(users) }, user));
clearInterval(timer);
await store.close();
const report: HammerReport = { holds, longestStallMs, slowestCallMs };
process.stdout.write(JSON.stringify(report));
