import { createRequire } from 'node:module';
import { Configuration, log, SessionPool } from '@crawlee/core';
import { answerWith } from '../harness/contender.ts';
import { verify } from '../harness/subject.ts';
import { timeUses, usedBytes } from './turns.ts';

log.setLevel(log.LEVELS.OFF);
const config = new Configuration({ persistStorage: false });

let pool: SessionPool;
let uses = 0;
let retired = 0;

answerWith({
  /** `getSession()` makes one each time until the pool is full. At most `sample` of them are made: it costs the same each time. */
  async create({ size, sample }: { size: number; sample: number }): Promise<number> {
    const fresh = await open(size, {});
    const made = Math.min(size, sample);
    const ns = await timeUses(made, async () => {
      await fresh.getSession();
    });
    verify(fresh.usableSessionsCount === made, `${fresh.usableSessionsCount} sessions of ${made} were made`);
    return ns;
  },

  async open({ size, isUnchecked }: { size: number; isUnchecked: boolean }): Promise<void> {
    // As troupe's: without the limit of 50 uses.
    pool = await open(size, { maxUsageCount: Number.POSITIVE_INFINITY });
    const fill = () => timeUses(size, async () => void (await pool.getSession()));
    await (isUnchecked ? withoutArgumentChecks(fill) : fill());
    verify(pool.usableSessionsCount === size, `${pool.usableSessionsCount} sessions of ${size}`);
  },

  async use({ uses: count }: { uses: number }): Promise<number> {
    uses += count;
    return await timeUses(count, async () => {
      (await pool.getSession())!.markGood();
    });
  },

  async useAndRetire({ uses: count }: { uses: number }): Promise<number> {
    uses += count;
    retired += Math.floor(count / 10);
    return await timeUses(count, async (index) => {
      const session = (await pool.getSession())!;
      if (index % 10 === 9) session.retire();
      else session.markGood();
    });
  },

  check({ size }: { size: number }): void {
    const { sessions } = pool.getState();
    verify(sessions.length <= size && sessions.length > size * 0.5, `${sessions.length} sessions of ${size}`);
    if (retired > 0) return;
    const counted = sessions.reduce((sum, { usageCount }) => sum + usageCount, 0);
    verify(counted === uses, `${counted} uses counted of ${uses}`);
  },

  async heap({ size }: { size: number }): Promise<number> {
    const first = await open(100, {});
    for (let made = 0; made < 100; made++) await first.getSession();
    const before = await usedBytes();
    pool = await open(size, {});
    for (let made = 0; made < size; made++) await pool.getSession();
    const after = await usedBytes();
    verify(pool.usableSessionsCount === size, 'not all sessions are there');
    return (after - before) / size;
  },
});

async function open(maxPoolSize: number, sessionOptions: { maxUsageCount?: number }): Promise<SessionPool> {
  return await SessionPool.open(
    { maxPoolSize, sessionOptions, persistenceOptions: { enable: false } },
    config,
  );
}

/**
 * Three quarters of the time in which Crawlee makes a session go into the checks of its arguments (ow). A million of them would take
 * minutes, so the largest pool is filled without; what the sessions are is the same.
 */
async function withoutArgumentChecks<T>(work: () => Promise<T>): Promise<T> {
  const ow = createRequire(import.meta.resolve('@crawlee/core'))('ow') as { default: unknown };
  const checking = ow.default;
  const predicate: unknown = new Proxy(() => {}, { get: () => predicate, apply: () => predicate });
  ow.default = predicate;
  try {
    return await work();
  } finally {
    ow.default = checking;
  }
}
