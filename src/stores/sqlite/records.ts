import type { SessionStatus, StoredSession } from '../store.ts';
import type { Values } from './statements.ts';
import type { Work } from './work.ts';

/** A row of `session`. `due` is in ticks, other instants in milliseconds. */
export interface SessionRow {
  sid: number;
  id: string;
  due: number | null;
  token: string | null;
  fence: number;
  uses: number;
  maxUses: number | null;
  score: number;
  expires: number | null;
  created: number;
  resting: number;
  recovered: number;
  since: number | null;
  holder: string | null;
  orders: string | null;
  status: number;
  died: number | null;
  reason: string | null;
  key: string | null;
  tag: string | null;
}

/** The columns that {@link toRow} expects, in its order. */
export const COLUMNS =
  's.sid, s.id, s.due, s.token, s.fence, s.uses, s.max_uses, s.score, s.expires, s.created, s.resting, ' +
  's.recovered, s.since, s.holder, s.orders, s.status, s.died, s.reason, s.key, s.tag';

/** Where a body stands in a row that was selected with {@link COLUMNS} and then the body. */
export const BODY = 20;

/** By the number that is stored. */
export const statuses: readonly SessionStatus[] = ['usable', 'blocked', 'expired', 'used-up', 'retired'];

export function toRow(values: Values): SessionRow {
  return {
    sid: values[0] as number,
    id: values[1] as string,
    due: values[2] as number | null,
    token: values[3] as string | null,
    fence: values[4] as number,
    uses: values[5] as number,
    maxUses: values[6] as number | null,
    score: values[7] as number,
    expires: values[8] as number | null,
    created: values[9] as number,
    resting: values[10] as number,
    recovered: values[11] as number,
    since: values[12] as number | null,
    holder: values[13] as string | null,
    orders: values[14] as string | null,
    status: values[15] as number,
    died: values[16] as number | null,
    reason: values[17] as string | null,
    key: values[18] as string | null,
    tag: values[19] as string | null,
  };
}

export function toStored(row: SessionRow, body: unknown): StoredSession {
  return {
    id: row.id,
    createdAt: row.created,
    expiresAt: row.expires,
    usageCount: row.uses,
    maxUsageCount: row.maxUses,
    errorScore: row.score,
    status: statuses[row.status] ?? 'retired',
    reason: row.reason,
    key: row.key,
    tag: row.tag,
    body,
  };
}

const BY_SID = `SELECT ${COLUMNS} FROM session s WHERE s.sid = ?`;
const BY_ID = `SELECT ${COLUMNS} FROM session s WHERE s.id = ?`;

export function rowBySid(work: Work, sid: number): SessionRow | undefined {
  const values = work.sql.get(BY_SID, sid);
  return values && toRow(values);
}

export function rowById(work: Work, id: string): SessionRow | undefined {
  const values = work.sql.get(BY_ID, id);
  return values && toRow(values);
}

export function bodyOf(work: Work, sid: number): string {
  return work.sql.get('SELECT body FROM body WHERE sid = ?', sid)?.[0] as string;
}

/** Somebody holds it now. A lease that ran out holds nothing, although its token is still there. */
export function isLeased(work: Work, row: SessionRow): boolean {
  return row.token !== null && row.due !== null && row.due > work.dueNow;
}

export function isExpired(work: Work, row: SessionRow): boolean {
  return row.expires !== null && row.expires <= work.now;
}

export function isUsedUp(row: SessionRow): boolean {
  return row.maxUses !== null && row.uses >= row.maxUses;
}
