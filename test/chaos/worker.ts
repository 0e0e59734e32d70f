/*
 * A process that uses sessions of a shared store until SIGTERM, or until it is killed in the middle. What it does next comes
 * from its seed. `skew <ms>` on its standard input sets its wall clock wrong.
 */

import { createInterface } from 'node:readline';
import { openStore, SessionPool } from '../../src/index.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { brokenStore } from './broken-store.ts';
import { Log } from './log.ts';
import { codeOf, LoggedStore } from './logged-store.ts';
import { newSessions } from './sessions.ts';
import { skewClock } from './skewed-clock.ts';
import { Tasks } from './tasks.ts';
import type { WorkerOptions } from './worker-options.ts';

/** Users at work at once in one process. */
const TASKS = 4;

const options = JSON.parse(process.argv[2]!) as WorkerOptions;
const { name, seed, leaseMs, maxPoolSize } = options;
skewClock(options.skewMs);
const log = new Log(options.log);
const opened = await openStore(options.storeUrl);
const store = new LoggedStore(options.broken ? brokenStore(opened, options.broken) : opened, log);
const pool = new SessionPool({
  store,
  leaseMs,
  maxPoolSize,
  timeoutMs: 3_000,
  requestTimeoutMs: 3_000,
  maxRestMs: 1_000,
  // Its sites block at random, which is nothing to learn from: nobody is to wait for them.
  pace: 'off',
  blockBreaker: null,
  createSession: newSessions(seededRandom(seed)),
});
// Somebody listens, as in a real program: what is only told if it is heard is put together then.
pool.on('retired', () => {});
pool.on('acquired', () => {});
pool.on('lost', () => {});
pool.on('error', ({ error, during }) => {
  const code = codeOf(error);
  if (!/^STORE_(UNAVAILABLE|BUSY)$/.test(code))
    log.write({ step: 'unexpected', message: `during ${during}: ${code}` });
});

let isStopping = false;
process.on('SIGTERM', () => {
  isStopping = true;
});
// Nobody is to stay behind when the harness is gone.
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => skewClock(Number(line.split(' ')[1])));
lines.on('close', () => process.exit(2));

const tasks = Array.from({ length: TASKS }, (_, index) => {
  const random = seededRandom(seed + 1 + index);
  return new Tasks({
    pool,
    store,
    log,
    random,
    leaseMs,
    sitePort: options.sitePort,
    name: `${name}-${index}`,
  });
});
await Promise.all(
  tasks.map(async (task) => {
    while (!isStopping) await task.next();
  }),
);
await pool.drain();
await store.close();
process.exit(0);
