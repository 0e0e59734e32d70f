import { type AddResult, type CreateResult, type Lease, MAX_LOOKED_AT, type NewSession } from '../store.ts';
import { buryExpired, buryIfExpired, removeDead } from './death.ts';
import { COLUMNS, rowById, type SessionRow, toRow } from './records.ts';
import type { LongWork } from './tick.ts';
import { sessionToken } from './tokens.ts';
import { hasRoom } from './vacancy.ts';
import type { Work } from './work.ts';

/** Sessions added at once that share a due: their order is that of their row numbers. */
const SHARING_A_DUE = 64;
/** Sessions between two chances to give the event loop a turn. */
const STEP = 32;

/** Turns a place into a session, which stays leased for what was left of the place's lease. */
export function create(work: Work, place: Lease, session: NewSession): CreateResult {
  const held = work.sql.get(
    'SELECT until, holder FROM place WHERE id = ? AND token = ? AND until > ?',
    place.id,
    place.token,
    work.dueNow,
  );
  if (held === undefined) return { kind: 'lost' };
  if (isTaken(work, session)) return { kind: 'duplicate' };
  if (!hasTagRoom(work, session, 0)) {
    buryExpired(work, MAX_LOOKED_AT);
    if (!hasTagRoom(work, session, 0)) return { kind: 'tag-full' };
  }
  const [until, holder] = held as [number, string];
  const sid = insert(work, session, until);
  const token = sessionToken(sid);
  work.sql.run(
    'UPDATE session SET token = ?, fence = 1, holder = ?, since = ? WHERE sid = ?',
    token,
    holder,
    work.now,
    sid,
  );
  work.sql.run('DELETE FROM place WHERE id = ?', place.id);
  work.counters.add('places', -1);
  return { kind: 'created', lease: { id: session.id, token, fence: 1 } };
}

/** Adds all or none. Checks all before it writes any: then nothing has to be undone. */
export function* add(
  work: Work,
  sessions: readonly NewSession[],
  limit: number | undefined,
): LongWork<AddResult> {
  const ids = new Set<string>();
  const keys = new Set<string>();
  const tags = new Map<string, number>();
  for (const [index, session] of sessions.entries()) {
    const key = session.key ?? undefined;
    const isRepeated = ids.has(session.id) || (key !== undefined && keys.has(key));
    if (isRepeated || isTaken(work, session)) return { kind: 'duplicate', id: session.id };
    ids.add(session.id);
    if (key !== undefined) keys.add(key);
    if (session.tag != null) {
      const others = tags.get(session.tag) ?? 0;
      while (!hasTagRoom(work, session, others)) {
        if (buryExpired(work, STEP).lookedAt === 0) return { kind: 'tag-full', id: session.id };
        yield;
      }
      tags.set(session.tag, others + 1);
    }
    if (index % STEP === STEP - 1) yield;
  }
  if (limit !== undefined) {
    while (!hasRoom(work, limit - sessions.length + 1)) {
      if (buryExpired(work, STEP).lookedAt === 0) return { kind: 'full' };
      yield;
    }
  }
  let due = work.tick();
  for (const [index, session] of sessions.entries()) {
    if (index % SHARING_A_DUE === SHARING_A_DUE - 1) due = work.tick();
    insert(work, session, due);
    if (index % STEP === STEP - 1) yield;
  }
  return { kind: 'added' };
}

/** A living session has its id or its key. One that has expired is buried, and stands in nobody's way. */
function isTaken(work: Work, session: NewSession): boolean {
  const sameId = rowById(work, session.id);
  if (sameId && sameId.died === null && !buryIfExpired(work, sameId)) return true;
  const { key } = session;
  const sameKey = key === undefined || key === null ? undefined : rowByKey(work, key);
  return sameKey !== undefined && !buryIfExpired(work, sameKey);
}

/** Whether its tag allows for one more, besides so many that come with it. */
function hasTagRoom(work: Work, { tag, tagLimit }: NewSession, others: number): boolean {
  if (tag == null || tagLimit === undefined) return true;
  const living = work.sql.get('SELECT living FROM tag_count WHERE tag = ?', tag)?.[0] as number | undefined;
  return (living ?? 0) + others < tagLimit;
}

/** The living session that has the key. */
export function rowByKey(work: Work, key: string): SessionRow | undefined {
  const values = work.sql.get(`SELECT ${COLUMNS} FROM session s WHERE s.key = ? AND s.died IS NULL`, key);
  return values && toRow(values);
}

/** Writes a living session. A dead one that had its id gives way. */
function insert(work: Work, session: NewSession, due: number): number {
  const dead = rowById(work, session.id);
  if (dead) removeDead(work, dead.sid);
  const { expiresInMs } = session;
  const sid = work.sql.insert(
    `INSERT INTO session (id, due, fence, uses, max_uses, score, expires, created, key, tag)
     VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?)`,
    session.id,
    due,
    session.usageCount,
    session.maxUsageCount,
    session.errorScore,
    expiresInMs === null ? null : work.msIn(expiresInMs),
    work.now - Math.floor(session.ageMs),
    session.key ?? null,
    session.tag ?? null,
  );
  work.sql.run('INSERT INTO body VALUES (?, ?)', sid, session.body as string);
  work.counters.add('living', 1);
  return sid;
}
