import pg from 'pg';
import { SETTINGS } from '../../src/stores/postgres/schema/plpgsql.ts';
import { answerWith } from '../harness/contender.ts';
import { type LoadParams, type LoadRun, runLoad, timed } from '../harness/load.ts';
import { verify } from '../harness/subject.ts';

/* The two functions that pgbench runs too, by Node's own client and with nothing around them. */

let client: pg.Client;

answerWith({
  async open({ url }: { url: string }): Promise<void> {
    const options = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
    client = new pg.Client({ connectionString: url, options: options.join(' ') });
    await client.connect();
  },

  async pairs({ schema, ...params }: LoadParams & { schema: string }): Promise<LoadRun> {
    const lease = {
      name: 'lease',
      text: `select place, token, fence, uses + 1, was_due - 1000000
        from ${schema}.lease_many(null, $1, null, 60000000, 'bench', array[null]::text[])`,
      rowMode: 'array' as const,
    };
    const release = {
      name: 'release',
      text: `select n from ${schema}.release_many(null, array[$1::tid], array[$2::uuid], array[$3::bigint], array[$4::bigint],
        array[0]::float8[], array[0]::bigint[], array[null]::text[], '00000000-0000-0000-0000-000000000000')`,
      rowMode: 'array' as const,
    };
    let seen = '0';
    return await runLoad(
      async (took) => {
        const leased = await timed(took, () => client.query({ ...lease, values: [seen] }));
        const [place, token, fence, counted, from] = leased.rows[0] as string[];
        seen = from!;
        const values = [place, token, fence, counted];
        const released = await timed(took, () => client.query({ ...release, values }));
        verify(released.rowCount === 1, 'a release was lost');
      },
      { ...params, concurrent: 1 },
    );
  },

  close(): Promise<void> {
    return client.end();
  },
});
