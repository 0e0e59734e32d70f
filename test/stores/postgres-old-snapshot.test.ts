import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresStore, postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import type { LeasedResult } from '../../src/stores/store.ts';
import { postgresUrl, uniqueName } from '../servers/index.ts';
import { session } from './hammer.ts';

const url = postgresUrl;
const SESSIONS = 20;
const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 2500, holder: 'test:1' } as const;
const change = { errorScore: 0, status: 'usable' } as const;

/** As long as somebody's transaction could see them, old versions stay: here none of them may be walked over. */
describe.skipIf(!url)('the store on PostgreSQL, with an old snapshot open', () => {
  let admin: pg.Client;
  let dump: pg.Client;
  const schema = uniqueName();
  let uses = 0;

  beforeAll(async () => {
    admin = new pg.Client({ connectionString: url });
    dump = new pg.Client({ connectionString: url });
    await Promise.all([admin.connect(), dump.connect()]);
    await using store = postgresStore({ url, schema });
    await store.add(Array.from({ length: SESSIONS }, (_, index) => session(`s-${index}`)));
    await dump.query('begin isolation level repeatable read');
    await dump.query(`select count(*) from ${schema}.session`);
  });
  afterAll(() => Promise.all([dump.end(), admin.end()]));

  /** Index entries that a process of its own reads while it does something, by index. */
  async function readsOf(work: (store: PostgresStore) => Promise<void>): Promise<(index: string) => number> {
    const before = await readsByIndex();
    const store = postgresStore({ url, schema });
    await work(store);
    // A connection that ends hands in its counts.
    await store.close();
    await expect.poll(connections).toBe(0);
    const after = await readsByIndex();
    return (index) => after.get(index)! - before.get(index)!;
  }

  async function leased(store: PostgresStore, site?: string): Promise<LeasedResult> {
    for (;;) {
      const result = await store.lease(site === undefined ? request : { ...request, site });
      if (result.kind === 'leased') return result;
      expect(result.kind).toBe('again');
    }
  }

  async function use(store: PostgresStore): Promise<void> {
    const { lease, session } = await leased(store);
    const used = { ...change, usageCount: session.usageCount + 1 };
    expect(await store.release(lease, used)).toBe('released');
  }

  async function connections(): Promise<number> {
    const { rows } = await admin.query(
      `select count(*)::int as open from pg_stat_activity where application_name = 'troupe' and query like $1`,
      [`%${schema}%`],
    );
    return rows[0].open;
  }

  async function serverNow(): Promise<number> {
    const { rows } = await admin.query('select date_part($1, clock_timestamp()) * 1000000 as now', ['epoch']);
    return rows[0].now;
  }

  async function fronts(): Promise<{ free: number; held: number }> {
    const { rows } = await admin.query(`select free::float8, held::float8 from ${schema}.front`);
    return rows[0];
  }

  async function readsByIndex(): Promise<Map<string, number>> {
    const { rows } = await admin.query(
      'select indexrelname as index, idx_tup_read::int as reads from pg_stat_user_indexes where schemaname = $1',
      [schema],
    );
    return new Map(rows.map(({ index, reads }) => [index, reads]));
  }

  it('walks over few of the versions that cannot be cleared away, in uses and when a process begins', async () => {
    const startedAt = await serverNow();
    let isOver = false;
    const told = expect
      // Leases of the beginning would have run out, and others can know what this process found.
      .poll(fronts, { timeout: 100_000, interval: 500 })
      .toSatisfy(({ free, held }) => Math.min(free, held) > startedAt + 3_000_000)
      .finally(() => {
        isOver = true;
      });
    const reads = await readsOf(async (store) => {
      for (; !isOver || uses < 2000; uses++) await use(store);
    });
    await told;
    await admin.query(`vacuum ${schema}.session`);
    const { rows } = await admin.query(
      `select count(*)::int as living, pg_relation_size('${schema}.session_held') as bytes from ${schema}.session`,
    );
    expect(rows[0].living).toBe(SESSIONS);
    // Nothing was cleared away: each use left an entry, of 30 bytes and more.
    expect(Number(rows[0].bytes)).toBeGreaterThan(uses * 20);
    // Some 2 a use. Over all of them it would be half of the uses; a look over the whole past comes every 5 s, however slow.
    expect(reads('session_held') / uses).toBeLessThan(50);

    const next = await readsOf(async (store) => {
      await Promise.all(Array.from({ length: 10 }, () => use(store)));
    });
    // Ten times all of them, if each walked over all; once is a look over the whole past.
    expect(next('session_free')).toBeLessThan(2 * uses);
    expect(next('session_held')).toBeLessThan(2 * uses);
  });

  it('finds a session among its old versions: to lease for a site, renew, block, retire, order and show it', async () => {
    const site = 'shop.example';
    const TURNS = 10;
    const reads = await readsOf(async (store) => {
      await store.order({ ids: ['s-1'] }, { kind: 'rest', ms: 60_000, site });
      for (let turn = 0; turn < TURNS; turn++) {
        const { lease } = await leased(store, site);
        const [renewed] = await store.renew([{ lease, leaseMs: 2500, body: `turn ${turn}` }]);
        expect(renewed).toEqual({ kind: 'held' });
        const blocks = turn % 2 ? [{ site, ms: null }] : [{ site, ms: 1 }];
        const status = turn === 9 ? 'retired' : 'usable';
        expect(await store.release(lease, { ...change, usageCount: 1, status, blocks })).toBe('released');
        expect((await store.get(lease.id))?.body).toBe(`turn ${turn}`);
      }
    });
    const versions = (uses * 2) / SESSIONS;
    expect(versions).toBeGreaterThan(100);
    expect(reads('session_row') / TURNS).toBeLessThan(versions / 2);
  });
});
