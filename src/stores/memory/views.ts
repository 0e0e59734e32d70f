import type { ListedSession, ListPage, ListResult, StoreCounts } from '../store.ts';
import { STEPS_PER_VIEW } from './advance.ts';
import { indexAfter } from './id-order.ts';
import { blocksOf, type StoredRecord } from './record.ts';
import type { MemoryState } from './state.ts';

/** Sessions that one page looks through for those in the asked state. */
const MAX_LISTED_OVER = 10_000;
const MAX_SITES = 1000;
const MAX_TAGS = 10_000;

/** A copy of the record, for lists. */
export function view(state: MemoryState, record: StoredRecord, now: number): ListedSession {
  const { rest } = record;
  const held = state.heldOf(record);
  const blocks = [];
  for (const block of blocksOf(record)) {
    const untilAt = state.sites.untilOf(block);
    if (untilAt === null || untilAt > now) {
      blocks.push({ site: block.site, sinceAt: block.sinceAt, untilAt });
    }
  }
  return {
    id: record.id,
    createdAt: record.createdAt,
    expiresAt: record.expiresAt,
    usageCount: record.usageCount,
    maxUsageCount: record.maxUsageCount,
    errorScore: record.errorScore,
    status: record.status,
    reason: record.reason,
    key: record.key,
    tag: record.tag,
    body: record.body,
    state: stateOf(record),
    untilAt: held ? state.leases.keyOf(held) : rest ? state.rests.keyOf(rest) : null,
    holder: held ? held.holder : null,
    sinceAt: held ? held.sinceAt : record.diedAt,
    blocks,
  };
}

function stateOf(record: StoredRecord): ListedSession['state'] {
  if (record.status !== 'usable') return 'dead';
  if (record.fence > 0) return 'leased';
  return record.rest ? 'resting' : 'ready';
}

/** One page in the order of the ids. A page may hold fewer than asked for, or none, and still have a `next`. */
export function list(state: MemoryState, page: ListPage, now: number): ListResult {
  const ids = state.idOrder.ids(state.byId);
  const start = page.after === undefined ? 0 : indexAfter(ids, page.after);
  const end = Math.min(ids.length, start + MAX_LISTED_OVER);
  const sessions: ListedSession[] = [];
  let index = start;
  for (; index < end && sessions.length < page.limit; index++) {
    const record = state.byId.get(ids[index]!);
    if (record === undefined) continue;
    if (page.state === undefined || stateOf(record) === page.state) sessions.push(view(state, record, now));
  }
  return index < ids.length ? { sessions, next: ids[index - 1]!, now } : { sessions, now };
}

/** Reads counters; for what depends on the time, some thousands of heap entries. */
export function count(state: MemoryState, now: number): StoreCounts {
  const leased = state.leases.size - state.places;
  const resting = state.rests.size;
  const nextReady = Math.min(
    state.leases.earliest(({ record }, until) => (record ? until : Number.POSITIVE_INFINITY), STEPS_PER_VIEW),
    state.rests.firstKey,
  );
  return {
    living: state.living,
    ready: state.living - leased - resting,
    leased,
    resting,
    places: state.places,
    dead: state.dead.size,
    deaths: Object.fromEntries(state.deaths),
    sites: countSites(state, now),
    tags: state.tags.counts(MAX_TAGS),
    nextReadyInMs: nextReady === Number.POSITIVE_INFINITY ? null : Math.max(0, nextReady - now),
  };
}

function countSites(state: MemoryState, now: number): StoreCounts['sites'] {
  const counted: [string, { resting: number; banned: number }][] = [];
  let left = STEPS_PER_VIEW;
  for (const { name, rests, banned } of state.sites.all()) {
    if (counted.length === MAX_SITES) break;
    const ended = rests.countUpTo(now, left);
    left -= ended;
    const resting = rests.size - ended;
    if (resting + banned > 0) counted.push([name, { resting, banned }]);
  }
  return Object.fromEntries(counted);
}
