import type {
  ListedSession,
  ListPage,
  ListResult,
  SiteBlock,
  StoreCounts,
  StoredDocument,
} from '../store.ts';
import { canBeStored, checkIndexed, checkText } from './checks.ts';
import { STATUSES } from './schema/plpgsql.ts';
import { type Moment, nowOf } from './server-time.ts';
import type { Work } from './work.ts';

/** Sessions that one page looks at: a state may be rare, and a page then holds fewer than asked for. */
const LOOKED_AT = 1000;

export async function get(work: Work, id: string): Promise<ListedSession | undefined> {
  if (!canBeStored(id)) return undefined;
  const [row] = await work.database.run(work.sql.show, [work.time.moment(), id]);
  return row && toListed(row);
}

export async function list(work: Work, { after = '', limit, state }: ListPage): Promise<ListResult> {
  const shown = Math.min(Math.max(Math.floor(limit), 1), LOOKED_AT);
  const moment: Moment = work.time.moment();
  const lookedAt = state === undefined ? shown : LOOKED_AT;
  const rows = await work.database.run(work.sql.list, [moment, after, lookedAt, shown, state ?? null]);
  const end = rows.pop()!;
  const sessions = rows.map(toListed);
  const [now, next] = [nowOf(moment, end[0] as number), end[12] as string | null];
  return next === null ? { sessions, now } : { sessions, next, now };
}

function toListed(row: unknown[]): ListedSession {
  const [
    ,
    id,
    created,
    expires,
    uses,
    maxUses,
    score,
    status,
    reason,
    key,
    tag,
    body,
    state,
    until,
    holder,
    since,
  ] = row;
  return {
    id: id as string,
    createdAt: created as number,
    expiresAt: expires as number | null,
    usageCount: uses as number,
    maxUsageCount: maxUses as number | null,
    errorScore: score as number,
    status: STATUSES[status as number] ?? 'retired',
    reason: reason as string | null,
    key: key as string | null,
    tag: tag as string | null,
    body,
    state: state as ListedSession['state'],
    untilAt: until as number | null,
    holder: holder as string | null,
    sinceAt: since as number | null,
    blocks: (row[16] ?? []) as SiteBlock[],
  };
}

export async function count(work: Work): Promise<StoreCounts> {
  const [row] = await work.database.run(work.sql.count, [work.time.moment()]);
  return row![0] as StoreCounts;
}

export async function document(work: Work, name: string): Promise<StoredDocument | undefined> {
  if (!canBeStored(name)) return undefined;
  const [row] = await work.database.run(work.sql.document, [name]);
  return row && { value: row[0] as string, version: row[1] as number };
}

export async function putDocument(
  work: Work,
  name: string,
  value: string,
  ifVersion: number,
): Promise<number | undefined> {
  checkIndexed(name, 'name');
  checkText(value, 'value');
  const [row] = await work.database.run(work.sql.putDocument, [null, name, value, ifVersion]);
  return (row![0] as number | null) ?? undefined;
}
