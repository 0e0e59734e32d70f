import { inSchema } from './migrate.ts';
import type { Statement } from './postgres-driver.ts';

/**
 * The calls of the store, each one statement that runs a function of the schema. Also for benchmarks: what another
 * client runs to do the same.
 */
const TEXTS = {
  leaseMany: 'select * from troupe.lease_many($1, $2, $3, $4, $5, $6)',
  leaseNewest: 'select * from troupe.lease_newest($1, $2, $3, $4, $5, $6)',
  leaseOne: 'select * from troupe.lease_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)',
  front: 'select free, held from troupe.front',
  tellFront: 'update troupe.front set free = $1, held = $2',
  lookBehind: 'select troupe.look_behind($1, $2, $3)',
  releaseMany: 'select * from troupe.release_many($1, $2, $3, $4, $5, $6, $7, $8, $9)',
  releaseOne:
    'select * from troupe.release_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)',
  releasePlace: 'select troupe.release_place($1, $2, $3)',
  renewMany: 'select * from troupe.renew_many($1, $2, $3, $4, $5, $6)',
  createSession: 'select * from troupe.create_session($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
  add: 'select * from troupe.add($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
  orderStep: 'select * from troupe.order_step($1, $2, $3, $4, $5)',
  remove: 'select troupe.remove($1, $2)',
  prune: 'select * from troupe.prune($1, $2, $3, $4)',
  rewrite: 'select troupe.rewrite($1, $2, $3, $4, $5, $6, $7, $8)',
  show: 'select * from troupe.show($1, $2)',
  list: 'select * from troupe.list($1, $2, $3, $4, $5)',
  count: 'select troupe.count_all($1)',
  document: 'select value, version from troupe.document where name = $1',
  putDocument: 'select troupe.put_document($1, $2, $3, $4)',
  notify: `select pg_notify($1, $2) where exists (
    select from troupe.waiter where until > statement_timestamp() and id <> $2::text::uuid)`,
  wait: `insert into troupe.waiter values ($1, clock_timestamp() + $2 * interval '1 ms')
    on conflict (id) do update set until = excluded.until`,
  stopWaiting: 'delete from troupe.waiter where id = $1 or until < clock_timestamp()',
} as const;

export type Statements = Record<keyof typeof TEXTS, Statement>;

export function statementsFor(schema: string): Statements {
  const entries = Object.entries(TEXTS).map(([name, text]) => [
    name,
    // A connection of a pool that was handed in may serve several schemas.
    { name: `${schema}.${name}`, text: inSchema(text, schema) },
  ]);
  return Object.fromEntries(entries) as Statements;
}
