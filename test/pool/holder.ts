import { createInterface } from 'node:readline';
import { SessionPool } from '../../src/index.ts';

/*
 * A process that holds a session: says which, then does what it is told, a line each, and says how that went.
 * `fetch` goes to a port of this machine on which nobody listens.
 */
const [path, leaseMs = '60000'] = process.argv.slice(2);
const pool = new SessionPool({
  store: `sqlite:${path}`,
  maxPoolSize: 1,
  leaseMs: Number(leaseMs),
});
const lease = await pool.acquire();
process.stdout.write(`${lease.session.id}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const done = line === 'fetch' ? lease.session.fetch('http://127.0.0.1:9/') : giveBack();
  const answer = await done.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
  process.stdout.write(`${answer}\n`);
}
await pool.close();

async function giveBack(): Promise<void> {
  if (lease.isHeld) lease.session.markGood();
  await lease.release();
}
