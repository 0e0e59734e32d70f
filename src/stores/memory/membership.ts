import type { AddResult, NewSession, PruneRequest, PruneResult } from '../store.ts';
import { hasTagRoom, isTaken } from './holding.ts';
import type { MemoryState } from './state.ts';

/** Adds all sessions or none. */
export function add(
  state: MemoryState,
  sessions: readonly NewSession[],
  limit: number | undefined,
  now: number,
): AddResult {
  const ids = new Set<string>();
  const keys = new Set<string>();
  const tags = new Map<string, number>();
  for (const session of sessions) {
    const { id, key, tag } = session;
    if (isTaken(state, session) || ids.has(id) || (key != null && keys.has(key))) {
      return { kind: 'duplicate', id };
    }
    ids.add(id);
    if (key != null) keys.add(key);
    if (tag == null) continue;
    const others = tags.get(tag) ?? 0;
    if (!hasTagRoom(state, session, others)) return { kind: 'tag-full', id };
    tags.set(tag, others + 1);
  }
  if (limit !== undefined && state.living + state.places + sessions.length > limit) return { kind: 'full' };
  for (const session of sessions) state.makeReady(state.insert(session, now), now);
  return { kind: 'added' };
}

/** Removes sessions wholly, whatever their state. */
export function remove(state: MemoryState, ids: readonly string[]): number {
  let removed = 0;
  for (const id of ids) {
    const record = state.byId.get(id);
    if (record === undefined) continue;
    state.remove(record);
    removed++;
  }
  return removed;
}

/** Removes the dead that were kept long enough or are too many, the oldest deaths first. */
export function prune(state: MemoryState, request: PruneRequest, now: number): PruneResult {
  const { olderThanMs, keepAtMost, limit } = request;
  for (let removed = 0; ; removed++) {
    const oldest = state.dead.first;
    const isDue =
      oldest !== undefined && (state.dead.size > keepAtMost || now - oldest.diedAt! >= olderThanMs);
    if (!isDue || removed >= limit) return { removed, more: isDue };
    state.remove(oldest);
  }
}
