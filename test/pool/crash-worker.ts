import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SessionPool } from '../../src/index.ts';

/*
 * A process that uses a pool until SIGTERM, or until it is killed in the middle. Every step goes to a log, written through before the
 * next one: what is in it, this process has known.
 */
const [file, log, leaseMs, maxPoolSize] = process.argv.slice(2) as [string, string, string, string];
const fd = openSync(log, 'a');

export interface Step {
  /** `acquired`, `giving back` and `acknowledged` in this order; or `lost` instead of the last. */
  step: 'acquired' | 'giving back' | 'acknowledged' | 'lost';
  /** The machine's monotonic clock, in nanoseconds: the same for all processes. */
  at: string;
  id: string;
  fence: number;
  /** The counter in the user data, as it was acquired, or as it is given back. */
  count: number;
  uses: number;
  /** What the cookie says, which is saved together with the counter. */
  cookie: number;
  isRetired: boolean;
}

const pool = new SessionPool({
  store: `sqlite:${file}`,
  maxPoolSize: Number(maxPoolSize),
  leaseMs: Number(leaseMs),
  timeoutMs: 60_000,
  session: { maxAgeMs: null, maxUsageCount: null },
  onCreate: () => sleep(Math.random() * 3),
});
// Nobody is to stay behind when the test is stopped.
process.stdin.on('end', () => process.exit(2)).resume();
let isStopping = false;
process.on('SIGTERM', () => {
  isStopping = true;
});

async function work(): Promise<void> {
  while (!isStopping) {
    const lease = await pool.acquire();
    const { session } = lease;
    const note = (step: Step['step'], isRetired = false) => {
      const line: Step = {
        step,
        at: String(process.hrtime.bigint()),
        id: lease.grant.id,
        fence: lease.grant.fence,
        count,
        uses: session.usageCount,
        cookie,
        isRetired,
      };
      writeSync(fd, `${JSON.stringify(line)}\n`);
    };
    let count: number = session.userData.count ?? 0;
    let cookie = Number(session.cookies.get('count') ?? 0);
    note('acquired');
    try {
      if (Math.random() < 0.7) await sleep(Math.random() * 4);
      count += 1;
      cookie = count;
      session.userData.count = count;
      session.cookies.set('count', String(count), { domain: 'example.com' });
      session.markGood();
      const isRetired = Math.random() < 0.01;
      if (isRetired) session.retire('worn out');
      note('giving back', isRetired);
      await lease.release();
      note('acknowledged', isRetired);
    } catch (error) {
      // A machine that has much else to do may let a process stand still for longer than its lease.
      if ((error as { code?: string }).code !== 'LEASE_LOST') throw error;
      note('lost');
    }
  }
}

await Promise.all([work(), work(), work(), work()]);
await pool.drain();
process.stdin.destroy();
