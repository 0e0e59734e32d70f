/*
 * A worker whose wall clock is off from its first moment on (the first argument, in milliseconds). It uses the pool's
 * sessions so many times, lets one rest, and says what it saw, a line of JSON at the end.
 */
const [skewMs, storeUrl, uses] = process.argv.slice(2) as [string, string, string];
const trueNow = Date.now;
Date.now = () => trueNow() + Number(skewMs);

const { SessionPool } = await import('../../src/index.ts');
const { storeAt } = await import('./store-at.ts');

export interface SkewedReport {
  used: number;
  /** Sessions that were not usable, or whose instants were not the server's, as the worker saw them. */
  wrong: string[];
  restedId: string;
}

const store = storeAt(storeUrl);
const pool = new SessionPool({ store, create: false, leaseMs: 2_500, timeoutMs: 60_000 });
const report: SkewedReport = { used: 0, wrong: [], restedId: '' };
while (report.used < Number(uses)) {
  const lease = await pool.acquire();
  const { session } = lease;
  report.used += 1;
  const ageMs = trueNow() - session.createdAt.getTime();
  if (session.status !== 'usable' || Math.abs(ageMs) > 60_000)
    report.wrong.push(`${session} is ${ageMs} ms old`);
  session.userData.uses = Number(session.userData.uses ?? 0) + 1;
  session.markGood();
  if (report.used === 1) {
    // Held for longer than its lease: renewed in time, whatever the clock says.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    if (lease.signal.aborted) report.wrong.push(String(lease.signal.reason));
  }
  if (report.used === Number(uses)) {
    session.rest(2_000);
    report.restedId = session.id;
  }
  await lease.release();
}
await pool.close();
await store.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
