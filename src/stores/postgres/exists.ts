import { placeOf } from './place.ts';
import { toStoreError } from './postgres-errors.ts';

/** Whether the schema at that URL holds a pool. Nothing is made by asking. @throws StoreError, OptionError */
export async function postgresPoolExists(url: string): Promise<boolean> {
  const place = placeOf({ url });
  const { pool, own } = await place.openPool();
  try {
    const client = await pool.connect();
    try {
      const { rows } = await client.query(
        `select to_regclass('"${place.schema}".troupe_migration') is not null as is_there`,
      );
      return (rows[0] as { is_there: boolean }).is_there;
    } finally {
      client.release();
    }
  } catch (error) {
    throw toStoreError(error, place.where);
  } finally {
    await own?.end();
  }
}
