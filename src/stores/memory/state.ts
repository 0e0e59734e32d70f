import { randomBytes } from 'node:crypto';
import type { NewSession, SessionStatus, StoredDocument } from '../store.ts';
import { Heap } from './heap.ts';
import { HeldByFence } from './held-by-fence.ts';
import { IdOrder } from './id-order.ts';
import { SessionQueue } from './queue.ts';
import { Held, Rest, StoredRecord } from './record.ts';
import { Sites } from './sites.ts';
import { Tags } from './tags.ts';

/** Reasons of death that are counted apart; the rest is counted as `other`. */
const MAX_REASONS = 99;

/** The id in the lease of a reserved place: its session has none yet. */
export const PLACE_ID = '';

/**
 * Everything that a memory store knows, and the steps from one state of a session to the next. A living session
 * is ready (in `ready`), resting (in `rests`) or held (in `leases`, and by fence in `held`); a dead one is in `dead`.
 */
export class MemoryState {
  /**
   * One token for all leases: the fence is unique within the store and nothing outlives the store, so both
   * together are as strong as a token drawn for every lease, which would cost more than the lease.
   */
  readonly token: string = randomBytes(16).toString('base64url');
  /** Grows with every lease of any session. */
  fence = 0;

  /** Living and dead. */
  readonly byId = new Map<string, StoredRecord>();
  readonly tags = new Tags();
  /** The living. */
  readonly byKey = new Map<string, StoredRecord>();
  readonly idOrder = new IdOrder();

  /** Leases and places by fence: small and hot, where `byId` at a million sessions is neither. */
  readonly held = new HeldByFence();
  /** Leases and places by their end. */
  readonly leases = new Heap<Held>();
  readonly rests = new Heap<Rest>();
  /** The living that expire and are not known to have expired. */
  readonly expiries = new Heap<StoredRecord>();
  readonly ready: SessionQueue = new SessionQueue((renumber) => this.sites.renumber(renumber));
  /** In the order of their deaths. */
  readonly dead = new SessionQueue();
  readonly sites: Sites = new Sites(this.ready);

  living = 0;
  /** Reserved for sessions that are being made. */
  places = 0;
  readonly deaths = new Map<string, number>();
  readonly documents = new Map<string, StoredDocument>();
  /** Records looked at in the call under way (invariant 6). */
  looked = 0;

  /** A new living session, in no queue yet. A dead one with its id gives way. */
  insert(session: NewSession, now: number): StoredRecord {
    const old = this.byId.get(session.id);
    if (old) this.remove(old);
    const record = new StoredRecord(session, now);
    this.byId.set(record.id, record);
    this.idOrder.added(record.id);
    if (record.tag !== null) this.tags.add(record, record.tag);
    this.enliven(record);
    return record;
  }

  /** Counts a record among the living. */
  enliven(record: StoredRecord): void {
    this.living++;
    if (record.key !== null) this.byKey.set(record.key, record);
    if (record.tag !== null) this.tags.count(record.tag, 1);
    if (record.expiresAt !== null) this.expiries.push(record, record.expiresAt);
  }

  /** To the end of the ready queue, unless its time or its uses are over. The record is in no queue before. */
  makeReady(record: StoredRecord, now: number): void {
    if (this.#buryIfOver(record, now)) return;
    this.ready.append(record);
  }

  /** The record is in no queue before. */
  startRest(record: StoredRecord, until: number, now: number): void {
    if (this.#buryIfOver(record, now)) return;
    record.rest = new Rest(record);
    this.rests.push(record.rest, until);
  }

  /** Out of the ready queue or out of its rest. */
  takeOut(record: StoredRecord): void {
    if (record.position >= 0) this.ready.remove(record);
    if (record.rest) {
      this.rests.remove(record.rest);
      record.rest = null;
    }
  }

  /** The lease under way of the record. */
  heldOf(record: StoredRecord): Held | undefined {
    return record.fence === 0 ? undefined : this.held.get(record.fence);
  }

  /** A new lease of the record, or (`null`) a new place. */
  hold(record: StoredRecord | null, holder: string, now: number, until: number): Held {
    const held = new Held(record, ++this.fence, now, holder);
    if (record === null) this.places++;
    else record.fence = held.fence;
    this.held.add(held);
    this.leases.push(held, until);
    return held;
  }

  /** The end of a lease or place; what becomes of the record is the caller's next step. */
  endLease(held: Held): void {
    this.held.delete(held);
    this.leases.remove(held);
    if (held.record === null) this.places--;
    else held.record.fence = 0;
  }

  /** A living session, not held, dies. */
  bury(record: StoredRecord, status: SessionStatus, reason: string | null, now: number): void {
    this.#leaveLiving(record);
    record.status = status;
    record.reason = reason ?? status;
    record.diedAt = now;
    this.dead.append(record);
    const counted =
      this.deaths.has(record.reason) || this.deaths.size < MAX_REASONS ? record.reason : 'other';
    this.deaths.set(counted, (this.deaths.get(counted) ?? 0) + 1);
  }

  /** Removes a record wholly, whatever its state. */
  remove(record: StoredRecord): void {
    const held = this.heldOf(record);
    if (held) this.endLease(held);
    if (record.status === 'usable') this.#leaveLiving(record);
    else this.dead.remove(record);
    this.byId.delete(record.id);
    this.idOrder.removed();
    if (record.tag !== null) this.tags.delete(record, record.tag);
  }

  /** A record, living or dead, belongs to something else from now on. */
  retag(record: StoredRecord, tag: string | null): void {
    if (record.tag === tag) return;
    const counts = record.status === 'usable' ? 1 : 0;
    if (record.tag !== null) {
      this.tags.delete(record, record.tag);
      this.tags.count(record.tag, -counts);
    }
    record.tag = tag;
    if (tag === null) return;
    this.tags.add(record, tag);
    this.tags.count(tag, counts);
  }

  #buryIfOver(record: StoredRecord, now: number): boolean {
    if (record.maxUsageCount !== null && record.usageCount >= record.maxUsageCount) {
      this.bury(record, 'used-up', null, now);
      return true;
    }
    // What is still in the heap is found there: looking at its time here would cost a cache miss a lease.
    if (record.index < 0 && record.expiresAt !== null && record.expiresAt <= now) {
      this.bury(record, 'expired', null, now);
      return true;
    }
    return false;
  }

  #leaveLiving(record: StoredRecord): void {
    this.takeOut(record);
    this.living--;
    if (record.index >= 0) this.expiries.remove(record);
    if (record.blocks !== null) this.sites.liftAll(record);
    if (record.key !== null) this.byKey.delete(record.key);
    if (record.tag !== null) this.tags.count(record.tag, -1);
  }
}
