import { MAX_LOOKED_AT, type Rotation } from '../store.ts';
import { blockOf, type StoredRecord } from './record.ts';
import type { Site } from './sites.ts';
import type { MemoryState } from './state.ts';

/** Random probes before the order of the queue decides. */
const PROBES = 8;

/** `again`: as many records as a call may look at were looked at, and it is not known whether there is one. */
export type Choice = StoredRecord | 'none' | 'again';

/**
 * Chooses among the ready. It does not take the session out of the queue. `site`: what is known of the asked
 * site, if anybody is blocked for it.
 */
export function choose(state: MemoryState, rotation: Rotation, site: Site | undefined, now: number): Choice {
  const hasExpired = state.expiries.firstKey <= now;
  if (site === undefined && !hasExpired && rotation !== 'random') {
    const record = rotation === 'round-robin' ? state.ready.first : state.ready.last;
    if (record === undefined) return 'none';
    state.looked++;
    return record;
  }
  if (rotation === 'random') {
    const record = probe(state, site, now);
    if (record) return record;
  }
  if (site !== undefined) {
    const choice = takeRested(state, site, now);
    if (choice !== 'none') return choice;
  }
  return rotation === 'use-until-failure' ? chooseLast(state, site, now) : chooseFirst(state, site, now);
}

/** May the record be leased now? One that has expired is buried. */
function isEligible(state: MemoryState, record: StoredRecord, site: Site | undefined, now: number): boolean {
  state.looked++;
  // The heap is asked first: the record's own time is one more read from memory.
  if (state.expiries.firstKey <= now && record.expiresAt !== null && record.expiresAt <= now) {
    state.bury(record, 'expired', null, now);
    return false;
  }
  if (site === undefined || record.blocks === null) return true;
  const block = blockOf(record, site.name);
  return block === undefined || (block.index >= 0 && site.rests.keyOf(block) <= now);
}

function probe(state: MemoryState, site: Site | undefined, now: number): StoredRecord | undefined {
  for (let i = 0; i < PROBES; i++) {
    const from = site === undefined ? state.ready.head : Math.max(site.cursor, state.ready.head);
    if (from >= state.ready.top) return undefined;
    const record = state.ready.at(from + Math.floor(Math.random() * (state.ready.top - from)));
    if (record !== undefined && isEligible(state, record, site, now)) return record;
  }
  return undefined;
}

/**
 * A session whose rest for the site is over. It comes first: the cursor may have passed it, and who is not free
 * now gets a position beyond the cursor when it comes back.
 */
function takeRested(state: MemoryState, site: Site, now: number): Choice {
  while (site.rests.firstKey <= now) {
    if (state.looked >= MAX_LOOKED_AT) return 'again';
    const block = site.rests.first!;
    state.sites.drop(block);
    const { record } = block;
    if (record.position < 0) state.looked++;
    else if (isEligible(state, record, site, now)) return record;
  }
  return 'none';
}

/** The one that waits longest. */
function chooseFirst(state: MemoryState, site: Site | undefined, now: number): Choice {
  let at = state.ready.next(site === undefined ? 0 : site.cursor);
  let choice: Choice = 'none';
  while (at < state.ready.top) {
    if (state.looked >= MAX_LOOKED_AT) {
      choice = 'again';
      break;
    }
    const record = state.ready.at(at)!;
    if (isEligible(state, record, site, now)) {
      choice = record;
      break;
    }
    at = state.ready.next(at + 1);
  }
  if (site !== undefined && at > site.cursor) {
    // Not beyond the chosen one: its position may be given out again when it has left.
    site.cursor = at;
    state.ready.fix(at);
  }
  return choice;
}

/** The one that came last. */
function chooseLast(state: MemoryState, site: Site | undefined, now: number): Choice {
  const floor = site === undefined ? 0 : site.cursor;
  const top = state.ready.top;
  let choice: Choice = 'none';
  let at = below(state, site, top - 1);
  while (at >= state.ready.head && at >= floor) {
    if (state.looked >= MAX_LOOKED_AT) {
      choice = 'again';
      break;
    }
    const record = state.ready.at(at)!;
    if (isEligible(state, record, site, now)) {
      choice = record;
      break;
    }
    at = below(state, site, at - 1);
  }
  if (site !== undefined) {
    // Those that were buried on the way may have shortened the queue.
    const end = Math.min(top, state.ready.top);
    if (at + 1 < end) {
      site.remember(at + 1, end);
      state.ready.fix(end);
    }
  }
  return choice;
}

/** The first position from here on, downward, that has a record and is in no stretch. */
function below(state: MemoryState, site: Site | undefined, position: number): number {
  let at = state.ready.previous(position);
  if (site === undefined) return at;
  for (;;) {
    const skipped = site.skip(at);
    if (skipped === at) return at;
    at = state.ready.previous(skipped);
  }
}
