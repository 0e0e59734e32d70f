import type {
  AddResult,
  CreateResult,
  Lease,
  NewSession,
  PruneRequest,
  PruneResult,
  Rewrite,
} from '../store.ts';
import { canBeStored, checkBody, checkIndexed, checkSession } from './checks.ts';
import { LONG_TIMEOUT_MS } from './database.ts';
import { wholeMs } from './server-time.ts';
import { heldLease, sessionLease } from './tokens.ts';
import type { Work } from './work.ts';

/** Sessions that one statement takes away. */
const REMOVE_STEP = 256;

export async function create(work: Work, place: Lease, session: NewSession): Promise<CreateResult> {
  checkSession(session);
  const held = heldLease(place);
  if (held === undefined || held.sid !== null) return { kind: 'lost' };
  const columns = columnsOf([session]).map(([value]) => value);
  const [row] = await work.database.run(work.sql.createSession, [
    work.time.moment(),
    held.token,
    ...columns,
    session.tagLimit ?? null,
  ]);
  const [kind, sid] = row as [CreateResult['kind'], number];
  return kind === 'created' ? { kind, lease: sessionLease(session.id, sid, held.token, 1) } : { kind };
}

export async function add(work: Work, sessions: readonly NewSession[], limit?: number): Promise<AddResult> {
  for (const session of sessions) checkSession(session);
  if (sessions.length === 0) return { kind: 'added' };
  const moment = work.time.moment(sessions.length);
  const tagLimits = sessions.map(({ tagLimit }) => tagLimit ?? null);
  const isLimited = tagLimits.some((tagLimit) => tagLimit !== null);
  const values = [moment, limit ?? null, ...columnsOf(sessions), isLimited ? tagLimits : null];
  const [row] = await work.database.run(work.sql.add, values, LONG_TIMEOUT_MS);
  const [kind, id] = row as [AddResult['kind'], string];
  if (kind === 'added') work.freedSome();
  return kind === 'duplicate' || kind === 'tag-full' ? { kind, id } : { kind };
}

/** In the order of the functions' parameters. */
function columnsOf(sessions: readonly NewSession[]): unknown[][] {
  return [
    sessions.map(({ id }) => id),
    sessions.map(({ ageMs }) => Math.floor(ageMs)),
    sessions.map(({ expiresInMs }) => (expiresInMs === null ? null : wholeMs(expiresInMs))),
    sessions.map(({ usageCount }) => usageCount),
    sessions.map(({ maxUsageCount }) => maxUsageCount),
    sessions.map(({ errorScore }) => errorScore),
    sessions.map(({ key }) => key ?? null),
    sessions.map(({ tag }) => tag ?? null),
    sessions.map(({ body }) => body),
  ];
}

export async function remove(work: Work, ids: readonly string[]): Promise<number> {
  const possible = ids.filter(canBeStored);
  let removed = 0;
  for (let from = 0; from < possible.length; from += REMOVE_STEP) {
    const part = possible.slice(from, from + REMOVE_STEP);
    const [row] = await work.database.run(work.sql.remove, [work.time.moment(), part]);
    removed += row![0] as number;
  }
  // It makes room.
  if (removed > 0) work.freedSome();
  return removed;
}

export async function prune(
  work: Work,
  { olderThanMs, keepAtMost, limit }: PruneRequest,
): Promise<PruneResult> {
  const values = [wholeMs(olderThanMs), keepAtMost, Math.min(limit, REMOVE_STEP)];
  const [row] = await work.database.run(work.sql.prune, [work.time.moment(), ...values]);
  return { removed: row![0] as number, more: row![1] as boolean };
}

export async function rewrite(work: Work, rewrites: readonly Rewrite[]): Promise<number> {
  for (const { body, key, tag } of rewrites) {
    checkBody(body);
    if (key != null) checkIndexed(key, 'key');
    if (tag != null) checkIndexed(tag, 'tag');
  }
  const possible = rewrites.filter(
    ({ id, ifBody }) => canBeStored(id) && typeof ifBody === 'string' && canBeStored(ifBody),
  );
  const [row] = await work.database.run(work.sql.rewrite, [
    work.time.moment(),
    possible.map(({ id }) => id),
    possible.map(({ ifBody }) => ifBody),
    possible.map(({ body }) => body),
    possible.map(({ key }) => key !== undefined),
    possible.map(({ key }) => key ?? null),
    possible.map(({ tag }) => tag !== undefined),
    possible.map(({ tag }) => tag ?? null),
  ]);
  return row![0] as number;
}
