/**
 * A process that is to be killed: it leases, uses and releases without end, and says on standard output what was
 * acknowledged. Started by the suite as `node crash-child.js <module> <argument> <leaseMs> <users>`.
 */
import { writeSync } from 'node:fs';
import type { SessionStore } from '../stores/store.ts';

const [module, argument, leaseMs, users] = process.argv.slice(2) as [string, string, string, string];
const { open } = (await import(module)) as { open(argument: string): SessionStore | Promise<SessionStore> };
const store = await open(argument);

async function user(): Promise<void> {
  for (;;) {
    const result = await store.lease({
      rotation: 'round-robin',
      fill: 'on-demand',
      leaseMs: Number(leaseMs),
      holder: `child:${process.pid}`,
    });
    if (result.kind !== 'leased') continue;
    const usageCount = result.session.usageCount + 1;
    const value = `use ${usageCount}`;
    const body = store.capabilities.bodies === 'text' ? JSON.stringify(value) : value;
    say(`leased ${result.lease.id} ${result.lease.fence}`);
    const answer = await store.release(result.lease, { usageCount, errorScore: 0, status: 'usable', body });
    if (answer === 'released') say(`released ${result.lease.id} ${usageCount}`);
  }
}

/** Straight to the pipe: what is still in a buffer when the process dies was not said. A full pipe is waited for. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

await Promise.all(Array.from({ length: Number(users) }, user));
