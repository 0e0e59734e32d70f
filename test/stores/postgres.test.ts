import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresStore, postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { SETTINGS } from '../../src/stores/postgres/schema/plpgsql.ts';
import type { LeasedResult } from '../../src/stores/store.ts';
import { postgresUrl, uniqueName } from '../servers/index.ts';
import { hammerTogether, session } from './hammer.ts';

const url = postgresUrl;
const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 60_000, holder: 'test:1' } as const;

async function leased(store: PostgresStore): Promise<LeasedResult> {
  const result = await store.lease(request);
  if (result.kind !== 'leased') throw new Error(`leased expected, got ${result.kind}`);
  return result;
}

describe.skipIf(!url)('the store on PostgreSQL', () => {
  let admin: pg.Client;

  beforeAll(async () => {
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
  });
  afterAll(() => admin.end());

  async function withStore(test: (store: PostgresStore) => Promise<void>): Promise<void> {
    const store = postgresStore({ url, schema: uniqueName() });
    try {
      await test(store);
    } finally {
      await store.close();
    }
  }

  it('carries the calls of one turn in one statement of each kind', () =>
    withStore(async (store) => {
      await store.add(Array.from({ length: 40 }, (_, index) => session(`s-${index}`)));
      const transactions = async () => {
        const { rows } = await admin.query(
          'select count(distinct xmin::text) as leases from (select xmin from ' +
            `${store.schema}.session) s`,
        );
        return Number(rows[0].leases);
      };
      const held = await Promise.all(Array.from({ length: 40 }, () => leased(store)));
      // Each row was written by the transaction that its xmin names.
      expect(await transactions()).toBe(1);
      await Promise.all(held.map(({ lease }) => store.release(lease, null)));
      expect(await transactions()).toBe(1);
    }));

  it('fails no call for the bad data of another in its turn', () =>
    withStore(async (store) => {
      await store.add([session('a'), session('b'), session('c')]);
      const [a, b, c] = [await leased(store), await leased(store), await leased(store)];
      const change = { usageCount: 1, errorScore: 0, status: 'usable' } as const;
      const results = await Promise.allSettled([
        store.release(a.lease, { ...change, body: 'fine' }),
        store.release(b.lease, { ...change, body: 'nul \0 inside' }),
        store.release(c.lease, { ...change, body: 'half a \ud800 pair' }),
        store.lease({ ...request, site: 'nul \0 inside' }),
        store.release(b.lease, { ...change, usageCount: 1.5 }),
        store.order({ ids: ['a'] }, { kind: 'rest', ms: Number.POSITIVE_INFINITY, site: 'far.example' }),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
      ]);
      expect(await store.release(b.lease, { ...change, body: 'ü ✓ " \\ { } ,' })).toBe('released');
      expect((await store.get('b'))?.body).toBe('ü ✓ " \\ { } ,');
      expect(await store.get('nul \0')).toBeUndefined();
      expect(await store.remove(['nul \0'])).toBe(0);
    }));

  it('finds its rows by the indexes made for them, when the table is new and among 100 000 sessions', () =>
    withStore(async (store) => {
      await store.add([session('first')]);
      await checkPlans(store);
      for (let from = 0; from < 100_000; from += 10_000) {
        await store.add(Array.from({ length: 10_000 }, (_, index) => session(`s-${from + index}`)));
      }
      await checkPlans(store);
      await admin.query(`analyze ${store.schema}.session, ${store.schema}.record, ${store.schema}.body`);
      await checkPlans(store);
    }));

  /** The plans that a connection makes now. */
  async function checkPlans(store: PostgresStore): Promise<void> {
    const plans: string[] = [];
    const client = new pg.Client({ connectionString: url });
    client.on('notice', ({ message }) => plans.push(message ?? ''));
    await client.connect();
    await client.query(`load 'auto_explain'; set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on; set client_min_messages = log`);
    const explain = async (text: string, values: unknown[]) => {
      plans.length = 0;
      const { rows } = await client.query(text, values);
      const plan = plans.join('\n');
      expect(plan).not.toMatch(/Seq Scan on (session|record|body|site_block)/);
      return { row: rows[0], plan };
    };
    const lease = await explain(
      `select * from ${store.schema}.lease_many(null, 0, 0, 60000000, 'test:1', $1)`,
      [['a.example']],
    );
    expect(lease.plan).toContain('Index Scan using session_free');
    const { sid, token, fence, place } = lease.row;
    const renewal = await explain(
      `select * from ${store.schema}.renew_many(null, $1, $2, $3, '{60000000}', '{null}')`,
      [[sid], [token], [fence]],
    );
    expect(renewal.row.n).toBe('1');
    expect(renewal.plan).toContain('Index Scan using session_row');
    // It has moved since it was leased: what is asked of the old place finds nothing.
    const { rows } = await client.query(`select ctid from ${store.schema}.session where sid = $1`, [sid]);
    const release = (where: string) =>
      explain(
        `select * from ${store.schema}.release_many(null, $1, $2, $3, '{1}', '{0}', '{0}', '{body}', $4)`,
        [[where], [token], [fence], token],
      );
    expect((await release(place)).row).toBeUndefined();
    const released = await release(rows[0].ctid);
    expect(released.row.n).toBe('1');
    expect(released.plan).toContain('Tid Scan on session');
    for (const { plan } of [renewal, released]) expect(plan).not.toContain('session_held');
    await client.end();
  }

  it("gives its own connections the settings that its functions would set on others'", async () => {
    const { openPool } = await import('../../src/stores/postgres/postgres-driver.ts');
    const pool = await openPool(url);
    const client = await pool.connect();
    for (const [name, value] of Object.entries(SETTINGS)) {
      expect((await client.query(`show ${name}`)).rows).toEqual([{ [name]: value }]);
    }
    client.release();
    await pool.end();
  });

  it('leases one after the other with many banned before them, each call in bounded work', () =>
    withStore(async (store) => {
      const site = 'shop.example';
      await store.add(
        Array.from({ length: 3000 }, (_, index) => session(`s-${String(index).padStart(5, '0')}`)),
      );
      const banned = Array.from({ length: 2900 }, (_, index) => `s-${String(index).padStart(5, '0')}`);
      await store.order({ ids: banned }, { kind: 'rest', ms: 3_600_000, site });
      const calls: number[] = [];
      const one = async () => {
        for (let count = 1; ; count++) {
          const result = await store.lease({ ...request, site });
          if (result.kind === 'again') continue;
          expect(result.kind).toBe('leased');
          calls.push(count);
          return;
        }
      };
      for (let turn = 0; turn < 20; turn++) await one();
      expect(calls[0]).toBeGreaterThan(5);
      expect(Math.max(...calls.slice(1))).toBe(1);
    }));

  it('wakes who waits in another process in less than 20 ms, when the machine has the time', () =>
    withStore(async (store) => {
      await store.add([session('a')]);
      await using other = postgresStore({ url, schema: store.schema });
      let wake = () => {};
      const stop = other.watch!(() => wake());
      await new Promise((resolve) => setTimeout(resolve, 300));
      const times: number[] = [];
      for (let turn = 0; turn < 40; turn++) {
        const held = await leased(store);
        await new Promise((resolve) => setTimeout(resolve, 30));
        const served = new Promise<number>((resolve) => {
          wake = () => {
            void Promise.resolve(other.lease({ ...request, wake: true })).then(async (result) => {
              if (result.kind !== 'leased') return;
              const servedAt = performance.now();
              wake = () => {};
              await other.release(result.lease, null);
              resolve(servedAt);
            });
          };
        });
        const start = performance.now();
        await store.release(held.lease, null);
        times.push((await served) - start);
      }
      stop();
      expect(Math.min(...times)).toBeLessThan(20);
    }));

  it('notifies nobody unless somebody waits', () =>
    withStore(async (store) => {
      await store.add([session('a')]);
      const listener = new pg.Client({ connectionString: url });
      const heard: unknown[] = [];
      listener.on('notification', (message) => heard.push(message));
      await listener.connect();
      await listener.query(`listen "troupe:${store.schema}"`);
      for (let turn = 0; turn < 10; turn++) await store.release((await leased(store)).lease, null);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await listener.query('select 1');
      expect(heard).toEqual([]);
      await listener.query(
        `insert into ${store.schema}.waiter values (gen_random_uuid(), clock_timestamp() + interval '10 s')`,
      );
      await store.release((await leased(store)).lease, null);
      await expect.poll(() => heard.length).toBe(1);
      await listener.end();
    }));

  it('gives no session to two of four processes, and loses no use', () =>
    withStore(async (store) => {
      await hammerTogether(store, `${url}?schema=${store.schema}`);
    }));

  it('keeps its counts while many create, ban, retire and remove at once, from two stores', () =>
    withStore(async (store) => {
      await using other = postgresStore({ url, schema: store.schema });
      let most = 0;
      const user = async (number: number) => {
        const mine = number % 2 ? store : other;
        for (let turn = 0; turn < 12; turn++) {
          const result = await mine.lease({ ...request, limit: 15, site: `site-${turn % 3}` });
          const { living, places } = await mine.count();
          most = Math.max(most, living + places);
          if (result.kind === 'vacant') {
            const made = await mine.create(
              result.lease,
              session(`s-${number}-${turn}`, { key: `k-${number % 7}` }),
            );
            if (made.kind === 'duplicate') await mine.release(result.lease, null);
          } else if (result.kind === 'leased') {
            const status = turn % 4 === 3 ? 'blocked' : 'usable';
            const blocks = [{ site: `site-${(turn + 1) % 3}`, ms: turn % 2 ? null : 50 }];
            await mine.release(result.lease, {
              usageCount: 1,
              errorScore: 0,
              status,
              blocks,
              restMs: turn % 3,
            });
          }
          if (turn === 5) await mine.order({ ids: [`s-${number}-1`] }, { kind: 'lift' });
          if (turn === 8) await mine.remove([`s-${number}-0`]);
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, index) => user(index)));
      expect(most).toBeLessThanOrEqual(15);
      const { sessions } = await store.list({ limit: 1000 });
      const counts = await store.count();
      const living = sessions.filter(({ state }) => state !== 'dead');
      expect([counts.living, counts.dead, counts.places]).toEqual([
        living.length,
        sessions.length - living.length,
        0,
      ]);
      const sites: Record<string, { resting: number; banned: number }> = {};
      for (const { site, untilAt } of living.flatMap(({ blocks }) => blocks)) {
        sites[site] ??= { resting: 0, banned: 0 };
        sites[site][untilAt === null ? 'banned' : 'resting']++;
      }
      // Short rests may end between the two calls.
      for (const [site, { banned }] of Object.entries(sites)) expect(counts.sites[site]?.banned).toBe(banned);
    }));
});
