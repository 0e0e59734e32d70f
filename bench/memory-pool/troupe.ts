import { memoryStore, SessionPool } from '../../src/index.ts';
import { answerWith } from '../harness/contender.ts';
import { verify } from '../harness/subject.ts';
import { shuffle, timeUses, usedBytes } from './turns.ts';

const SITE = 'shop.test';
/** As it comes, but for the limit of 50 uses: these rounds are about the pool's work, not about its sessions' ends. */
const session = { maxUsageCount: null };

let pool: SessionPool;
let uses = 0;
let retired = 0;

answerWith({
  /** Of small pools several, one after the other: a sample is at least so many sessions. */
  async create({ size, atLeast }: { size: number; atLeast: number }): Promise<number> {
    const pools = Math.ceil(atLeast / size);
    let ns = 0;
    for (let made = 0; made < pools; made++) {
      const fresh = new SessionPool({ maxPoolSize: size, fill: 'first' });
      ns += await fill(fresh, size);
      await fresh.close();
    }
    return ns / pools;
  },

  /** For all that follows; `'first'` keeps it full, as Crawlee's pool does. */
  async open({ size }: { size: number }): Promise<void> {
    pool = new SessionPool({ maxPoolSize: size, fill: 'first', session });
    await fill(pool, size);
  },

  async use({ uses: count }: { uses: number }): Promise<number> {
    uses += count;
    return await timeUses(count, async () => {
      const lease = await pool.acquire();
      lease.session.markGood();
      await lease.release();
    });
  },

  /** Each is leased by its id, in an order by chance, and so goes to the queue's end in that order. */
  async shuffle(): Promise<void> {
    const ids: string[] = [];
    for await (const { id } of pool.list()) ids.push(id);
    for (const id of shuffle(ids)) await (await pool.acquire({ id })).release();
  },

  async useAndRetire({ uses: count }: { uses: number }): Promise<number> {
    uses += count;
    retired += Math.floor(count / 10);
    return await timeUses(count, async (index) => {
      const lease = await pool.acquire();
      if (index % 10 === 9) lease.session.retire();
      else lease.session.markGood();
      await lease.release();
    });
  },

  /** After the last round: every use was counted and every retired session replaced. */
  async check({ size }: { size: number }): Promise<void> {
    const { sessions, retirements } = await pool.stats();
    // The place of the last one that was retired is filled at the next use.
    verify(sessions.usable >= size - 1, `${sessions.usable} usable sessions of ${size}`);
    const deaths = Object.values(retirements).reduce((sum, count) => sum + count, 0);
    verify(deaths === retired, `${deaths} deaths of ${retired} retired`);
    if (retired > 0) return;
    let counted = 0;
    for await (const { usageCount } of pool.list()) counted += usageCount;
    verify(counted === uses, `${counted} uses counted of ${uses}`);
  },

  /** All but one are retired, by leases that say so; nothing replaces them. */
  async openUntilFailure({ size }: { size: number }): Promise<void> {
    pool = new SessionPool({ maxPoolSize: size, rotation: 'use-until-failure', create: false });
    await addSessions(pool, size);
    await timeUses(size - 1, async () => {
      const lease = await pool.acquire();
      lease.session.retire();
      await lease.release();
    });
    const { usable, dead } = (await pool.stats()).sessions;
    verify(usable === 1 && dead > 0, `${usable} usable, ${dead} dead of ${size}`);
  },

  /** 90 % are banned from the site, by chance which; bans as the verdict `blocked` makes them. Answers the warming's longest acquire. */
  async openBanned({ size }: { size: number }): Promise<{ longestMs: number }> {
    const store = memoryStore();
    pool = new SessionPool({ store, maxPoolSize: size, create: false });
    await addSessions(pool, size);
    const ids: string[] = [];
    for await (const { id } of pool.list()) ids.push(id);
    const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 60_000, holder: 'bench' } as const;
    for (const [index, id] of shuffle(ids).entries()) {
      const given = await store.lease({ ...request, id });
      verify(given.kind === 'leased', `${id} was not leased`);
      if (given.kind !== 'leased') continue;
      const blocks = index % 10 === 0 ? [] : [{ site: SITE, ms: null }];
      await store.release(given.lease, { usageCount: 0, errorScore: 0, status: 'usable', blocks });
    }
    const { banned } = (await pool.stats()).sites[SITE]!;
    verify(banned === Math.floor(size * 0.9), `${banned} banned of ${size}`);
    let longestMs = 0;
    for (let index = 0; index < size / 10; index++) {
      const start = performance.now();
      const lease = await pool.acquire({ site: SITE });
      longestMs = Math.max(longestMs, performance.now() - start);
      await lease.release();
    }
    return { longestMs };
  },

  async useAtSite({ uses: count }: { uses: number }): Promise<number> {
    return await timeUses(count, async () => {
      const lease = await pool.acquire({ site: SITE });
      lease.session.markGood();
      await lease.release();
    });
  },

  async heap({ size }: { size: number }): Promise<number> {
    // The code and what it keeps for itself are not the sessions'.
    const first = new SessionPool({ maxPoolSize: 100, fill: 'first' });
    await fill(first, 100);
    await first.close();
    const before = await usedBytes();
    pool = new SessionPool({ maxPoolSize: size, fill: 'first' });
    await fill(pool, size);
    const after = await usedBytes();
    verify((await pool.stats()).sessions.ready === size, 'not all sessions are idle');
    return (after - before) / size;
  },
});

/** Makes every session by leasing it, as a user would. */
async function fill(fresh: SessionPool, size: number): Promise<number> {
  const ns = await timeUses(size, async () => {
    await (await fresh.acquire()).release();
  });
  const { ready } = (await fresh.stats()).sessions;
  verify(ready === size, `${ready} sessions of ${size} were made`);
  return ns;
}

async function addSessions(to: SessionPool, size: number): Promise<void> {
  for (let added = 0; added < size; added += 1_000) {
    await to.add(Array.from({ length: Math.min(1_000, size - added) }, () => session));
  }
}
