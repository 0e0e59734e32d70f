import type { NewSession, Order, SessionStatus, StoredSession } from '../store.ts';

/**
 * A session in memory. Every field costs 8 bytes a session and every number with a fraction or beyond 31 bits
 * 16 more, so what only the leased, resting or blocked have lies in objects of its own. All fields are set in
 * one order, so that V8 knows one shape; those that every lease touches come first, since a million records are
 * in no cache and each line of it that is not touched saves some 100 ns.
 */
export class StoredRecord implements StoredSession {
  /** Where it stands in the queue of the ready, or of the dead; -1 in neither. */
  position = -1;
  /**
   * The fence of the lease under way; 0: nobody holds it. Not the lease itself: a new object written into an old
   * one is remembered by the garbage collector, which at a million records costs more than the whole lease.
   */
  fence = 0;
  usageCount: number;
  readonly maxUsageCount: number | null;
  errorScore: number;
  /** Its place in the heap of expiries. */
  index = -1;
  /** Its last lease ran out, and whoever gets it next must be told. */
  recovered = false;
  readonly id: string;
  body: unknown;
  /** One block lies here directly: a `Map` for it would cost more than the block. */
  blocks: Block | Map<string, Block> | null = null;
  expiresAt: number | null;
  rest: Rest | null = null;
  status: SessionStatus = 'usable';
  readonly createdAt: number;
  readonly key: string | null;
  tag: string | null;
  reason: string | null = null;
  diedAt: number | null = null;

  constructor(session: NewSession, now: number) {
    this.id = session.id;
    this.createdAt = now - session.ageMs;
    this.expiresAt = session.expiresInMs === null ? null : now + session.expiresInMs;
    this.usageCount = session.usageCount;
    this.maxUsageCount = session.maxUsageCount;
    this.errorScore = session.errorScore;
    this.key = session.key ?? null;
    this.tag = session.tag ?? null;
    this.body = session.body;
  }
}

/** A lease under way, or (without a record) a reserved place. When it ends is its key in the heap of leases. */
export class Held {
  readonly record: StoredRecord | null;
  readonly fence: number;
  readonly sinceAt: number;
  readonly holder: string;
  /** What waits for the holder, in the order it was given. */
  orders: Order[] | null = null;
  index = -1;

  constructor(record: StoredRecord | null, fence: number, sinceAt: number, holder: string) {
    this.record = record;
    this.fence = fence;
    this.sinceAt = sinceAt;
    this.holder = holder;
  }
}

/** A session's rest everywhere. When it ends is its key in the heap of rests. */
export class Rest {
  readonly record: StoredRecord;
  index = -1;

  constructor(record: StoredRecord) {
    this.record = record;
  }
}

/** A session is blocked for a site: resting, and then in the site's heap by its end, or banned, in the site's list. */
export class Block {
  readonly record: StoredRecord;
  readonly site: string;
  sinceAt: number;
  /** In the site's heap of rests; -1: a ban. */
  index = -1;
  previous: Block | null = null;
  next: Block | null = null;

  constructor(record: StoredRecord, site: string, sinceAt: number) {
    this.record = record;
    this.site = site;
    this.sinceAt = sinceAt;
  }
}

/** The record's block for the site, a rest that ended included. */
export function blockOf(record: StoredRecord, site: string): Block | undefined {
  const blocks = record.blocks;
  if (blocks === null) return undefined;
  if (blocks instanceof Map) return blocks.get(site);
  return blocks.site === site ? blocks : undefined;
}

/** All blocks of the record, those that ended included. */
export function blocksOf(record: StoredRecord): Iterable<Block> {
  const blocks = record.blocks;
  if (blocks === null) return [];
  return blocks instanceof Map ? blocks.values() : [blocks];
}
