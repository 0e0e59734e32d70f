import {
  type AgainResult,
  type LeaseRequest,
  type LeaseResult,
  MAX_LOOKED_AT,
  type NoneResult,
} from '../store.ts';
import { advance, isBehind, runOut, STEPS_PER_CALL } from './advance.ts';
import { choose } from './choose.ts';
import { blockOf, type StoredRecord } from './record.ts';
import { retryInMs } from './retry.ts';
import type { Site } from './sites.ts';
import { type MemoryState, PLACE_ID } from './state.ts';

const AGAIN: AgainResult = { kind: 'again' };
const NEVER: NoneResult = { kind: 'none', retryInMs: null };

/** Leases a session, or reserves a place for a new one. */
export function lease(state: MemoryState, request: LeaseRequest, now: number): LeaseResult {
  state.looked = 0;
  if (isBehind(state, now)) advance(state, now, STEPS_PER_CALL);
  if (request.id !== undefined) return leaseById(state, request.id, request, now);
  const { limit } = request;
  if (limit !== undefined && request.fill === 'first' && state.living + state.places < limit) {
    return reserve(state, request, now);
  }
  const site = request.site === undefined ? undefined : state.sites.get(request.site);
  const choice = choose(state, request.rotation, site, now);
  if (choice === 'again') return AGAIN;
  if (choice !== 'none') return hand(state, choice, request, now);
  if (isBehind(state, now)) return AGAIN;
  if (limit !== undefined) {
    if (site !== undefined && state.living + state.places === limit) makeRoom(state, site, now);
    if (state.living + state.places < limit) return reserve(state, request, now);
  }
  return { kind: 'none', retryInMs: retryInMs(state, request, now) };
}

function hand(state: MemoryState, record: StoredRecord, request: LeaseRequest, now: number): LeaseResult {
  // Read before anything else is done: the record's lines then come from memory at the same time.
  const { id, recovered } = record;
  if (recovered) record.recovered = false;
  if (record.position >= 0) state.ready.remove(record);
  else state.takeOut(record);
  const { fence } = state.hold(record, request.holder, now, now + request.leaseMs);
  return { kind: 'leased', lease: { id, token: state.token, fence }, session: record, recovered, now };
}

function reserve(state: MemoryState, request: LeaseRequest, now: number): LeaseResult {
  const held = state.hold(null, request.holder, now, now + request.leaseMs);
  return { kind: 'vacant', lease: { id: PLACE_ID, token: state.token, fence: held.fence }, now };
}

function leaseById(state: MemoryState, id: string, request: LeaseRequest, now: number): LeaseResult {
  const record = state.byId.get(id);
  if (record === undefined) return NEVER;
  // What time has done to this one may wait behind much else that has ended.
  const held = state.heldOf(record);
  if (held && state.leases.keyOf(held) <= now) runOut(state, held, now);
  if (record.status !== 'usable') return NEVER;
  const block = request.site === undefined ? undefined : blockOf(record, request.site);
  let until = now;
  if (block) {
    const end = state.sites.untilOf(block);
    if (end === null) return NEVER;
    until = Math.max(until, end);
  }
  if (held && record.fence > 0) until = Math.max(until, state.leases.keyOf(held));
  else if (record.expiresAt !== null && record.expiresAt <= now) {
    state.bury(record, 'expired', null, now);
    return NEVER;
  } else if (record.rest) until = Math.max(until, state.rests.keyOf(record.rest));
  if (record.fence > 0 || until > now) return { kind: 'none', retryInMs: until - now };
  return hand(state, record, request, now);
}

/**
 * If everybody living is banned from the site for good, the one banned longest among those that nobody holds
 * makes room for a new session.
 */
function makeRoom(state: MemoryState, site: Site, now: number): void {
  if (site.banned !== state.living) return;
  for (let ban = site.firstBan; ban && state.looked < MAX_LOOKED_AT; ban = ban.next) {
    state.looked++;
    if (ban.record.fence > 0) continue;
    state.bury(ban.record, 'retired', 'made room', now);
    return;
  }
}
