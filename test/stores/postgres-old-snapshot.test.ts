import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { postgresUrl, uniqueName } from '../servers/index.ts';
import { session } from './hammer.ts';

const url = postgresUrl;
const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 1000, holder: 'test:1' } as const;
const change = { errorScore: 0, status: 'usable' } as const;

/** As long as somebody's transaction could see them, old versions stay: here none of them may be walked over. */
describe.skipIf(!url)('the store on PostgreSQL, with an old snapshot open', () => {
  let admin: pg.Client;
  let dump: pg.Client;
  const schema = uniqueName();

  beforeAll(async () => {
    admin = new pg.Client({ connectionString: url });
    dump = new pg.Client({ connectionString: url });
    await Promise.all([admin.connect(), dump.connect()]);
    await using store = postgresStore({ url, schema });
    await store.add(Array.from({ length: 100 }, (_, index) => session(`s-${index}`)));
    await dump.query('begin isolation level repeatable read');
    await dump.query(`select count(*) from ${schema}.session`);
  });
  afterAll(() => Promise.all([dump.end(), admin.end()]));

  /** Index entries that a process of its own reads for each of its pairs, by index. */
  async function process(
    users: number,
    isOver: () => boolean,
  ): Promise<{ pairs: number; reads: (index: string) => number }> {
    const before = await readsByIndex();
    let pairs = 0;
    const store = postgresStore({ url, schema });
    const user = async () => {
      do {
        const result = await store.lease(request);
        if (result.kind !== 'leased') throw new Error(`leased expected, got ${result.kind}`);
        const released = await store.release(result.lease, {
          ...change,
          usageCount: result.session.usageCount + 1,
        });
        expect(released).toBe('released');
        pairs++;
      } while (!isOver());
    };
    await Promise.all(Array.from({ length: users }, user));
    // A connection that ends hands in its counts.
    await store.close();
    await expect.poll(connections).toBe(0);
    const after = await readsByIndex();
    return { pairs, reads: (index) => after.get(index)! - before.get(index)! };
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
      .poll(fronts, { timeout: 40_000, interval: 500 })
      .toSatisfy(({ free, held }) => Math.min(free, held) > startedAt + 3_000_000)
      .finally(() => {
        isOver = true;
      });
    const first = await process(1, () => isOver);
    await told;
    const { rows } = await admin
      .query(`vacuum ${schema}.session`)
      .then(() =>
        admin.query(
          `select count(*)::int as living, pg_relation_size('${schema}.session_held') as bytes from ${schema}.session`,
        ),
      );
    expect(rows[0].living).toBe(100);
    // Nothing was cleared away: each use left an entry, of 30 bytes and more.
    expect(Number(rows[0].bytes)).toBeGreaterThan(first.pairs * 20);
    expect(first.reads('session_held') / first.pairs).toBeLessThan(4);

    const second = await process(20, () => true);
    expect(second.pairs).toBe(20);
    expect(second.reads('session_free')).toBeLessThan(first.pairs / 2);
    expect(second.reads('session_held')).toBeLessThan(first.pairs / 2);
  }, 60_000);
});
