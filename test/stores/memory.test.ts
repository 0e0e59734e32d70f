import { describe, expect, it } from 'vitest';
import { create, release } from '../../src/stores/memory/holding.ts';
import { lease } from '../../src/stores/memory/lease.ts';
import { memoryStore } from '../../src/stores/memory/memory-store.ts';
import { MemoryState } from '../../src/stores/memory/state.ts';
import {
  type LeaseRequest,
  MAX_LOOKED_AT,
  type NewSession,
  type ReleaseChange,
  type Rotation,
} from '../../src/stores/store.ts';

const REQUEST: LeaseRequest = {
  rotation: 'round-robin',
  fill: 'on-demand',
  leaseMs: 60_000,
  holder: 'test:1',
};
const USED: ReleaseChange = { usageCount: 1, errorScore: 0, status: 'usable' };
const NOW = 1_000_000;

function newSession(id: string, body: unknown = null): NewSession {
  return { id, ageMs: 0, expiresInMs: null, usageCount: 0, maxUsageCount: null, errorScore: 0, body };
}

function stateWith(count: number): MemoryState {
  const state = new MemoryState();
  for (let i = 0; i < count; i++) state.makeReady(state.insert(newSession(`s${i}`), NOW), NOW);
  return state;
}

/** Leases, again and again where it says so, and gives it back. Answers how many records that looked at, in all. */
function cycle(state: MemoryState, request: LeaseRequest, change: (id: string) => ReleaseChange): number {
  for (let looked = 0; ; ) {
    const result = lease(state, request, NOW);
    expect(state.looked).toBeLessThanOrEqual(MAX_LOOKED_AT);
    looked += state.looked;
    if (result.kind === 'again') continue;
    if (result.kind !== 'leased') throw new Error(`leased expected, got ${result.kind}`);
    expect(release(state, result.lease, change(result.lease.id), NOW)).toBe('released');
    return looked;
  }
}

describe('the memory store', () => {
  it('answers at once, with no promise', () => {
    const store = memoryStore();
    expect(store.add([newSession('a')])).toEqual({ kind: 'added' });
    expect(store.lease(REQUEST)).toMatchObject({ kind: 'leased', recovered: false });
    expect(store.count()).toMatchObject({ living: 1, leased: 1 });
    expect(store.close()).toBeUndefined();
  });

  it('hands bodies over by reference, and copies what lists show', () => {
    const store = memoryStore();
    const body = { cookies: ['a=1'] };
    store.add([newSession('a', body)]);
    const first = store.lease(REQUEST);
    if (first instanceof Promise || first.kind !== 'leased') throw new Error('leased expected');
    expect(first.session.body).toBe(body);
    const listed = store.get('a');
    store.release(first.lease, { ...USED, body: { other: true } });
    expect(listed).toMatchObject({ state: 'leased', usageCount: 0, body });
    expect(store.get('a')).toMatchObject({ state: 'ready', usageCount: 1, body: { other: true } });
  });

  it('has leases that another store does not take for its own', () => {
    const [one, other] = [memoryStore(), memoryStore()];
    for (const store of [one, other]) store.add([newSession('a')]);
    const [mine, theirs] = [one.lease(REQUEST), other.lease(REQUEST)];
    if (mine instanceof Promise || mine.kind !== 'leased') throw new Error('leased expected');
    if (theirs instanceof Promise || theirs.kind !== 'leased') throw new Error('leased expected');
    expect(mine.lease.fence).toBe(theirs.lease.fence);
    expect(one.release(theirs.lease, USED)).toBe('lost');
    expect(one.release(mine.lease, USED)).toBe('released');
  });

  it('refuses calls after it was closed, and an option that it does not know', () => {
    const store = memoryStore();
    store.close();
    store.close();
    expect(() => store.count()).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }));
    expect(() => store.lease(REQUEST)).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }));
    expect(() => memoryStore({ clok: 1 } as never)).toThrow(/did you mean "clock"/);
  });

  it('does not keep what was done with a place under its old lease', () => {
    const state = new MemoryState();
    const place = lease(state, { ...REQUEST, limit: 1 }, NOW);
    if (place.kind !== 'vacant') throw new Error('vacant expected');
    expect(create(state, place.lease, newSession('a'), NOW).kind).toBe('created');
    expect(create(state, place.lease, newSession('b'), NOW).kind).toBe('lost');
    expect(release(state, place.lease, null, NOW)).toBe('lost');
  });

  it('lists in order while sessions come and go between the pages', () => {
    const store = memoryStore();
    const add = (...ids: string[]) => store.add(ids.map((id) => newSession(id)));
    const page = (after?: string) => {
      const result = store.list({ limit: 2, ...(after !== undefined && { after }) });
      if (result instanceof Promise) throw new Error('must answer at once');
      return [...result.sessions.map(({ id }) => id), result.next];
    };
    add('d', 'b', 'f');
    expect(page()).toEqual(['b', 'd', 'd']);
    add('e', 'a', 'c');
    expect(page('d')).toEqual(['e', 'f', undefined]);
    store.remove(['e', 'b']);
    add('b');
    expect(page()).toEqual(['a', 'b', 'b']);
    expect(page('b')).toEqual(['c', 'd', 'd']);
    expect(page('d')).toEqual(['f', undefined]);
  });
});

describe.each<Rotation>(['round-robin', 'use-until-failure', 'random'])(
  'the memory store is flat (%s)',
  (rotation) => {
    const count = 20_000;
    const request = { ...REQUEST, rotation, site: 'shop.example' };
    const ban: ReleaseChange = { ...USED, blocks: [{ site: 'shop.example', ms: null }] };

    it('looks at a few records a lease with 90 % banned from the site, once it has walked over them', () => {
      const state = stateWith(count);
      for (let i = 0; i < count; i++) cycle(state, REQUEST, (id) => (id.endsWith('7') ? USED : ban));
      expect(state.sites.get('shop.example')?.banned).toBe(0.9 * count);
      let looked = 0;
      for (let i = 0; i < 2 * count; i++) looked += cycle(state, request, () => USED);
      // Once over each of the banned, then one each; by chance, some probes more.
      expect(looked).toBeLessThan((rotation === 'random' ? 8 : 2) * 2 * count);
      looked = 0;
      for (let i = 0; i < 1000; i++) looked += cycle(state, request, () => USED);
      expect(looked / 1000).toBeLessThan(rotation === 'random' ? 10 : 1.01);
    });

    it('never walks over the same banned twice while they are banned one by one', () => {
      const state = stateWith(count);
      let looked = 0;
      // Between them, others use the sessions too, the banned included.
      for (let i = 0; i < count - 1; i++) {
        looked += cycle(state, request, () => ban);
        cycle(state, { ...REQUEST, rotation: 'round-robin' }, () => USED);
      }
      expect(looked / count).toBeLessThan(rotation === 'random' ? 10 : 4);
    });

    it('buries a bounded number a call after a mass expiry', () => {
      const state = new MemoryState();
      const brief = { expiresInMs: 1000 };
      for (let i = 0; i < count; i++) {
        state.makeReady(state.insert({ ...newSession(`s${i}`), ...brief }, NOW), NOW);
      }
      for (let calls = 0; ; calls++) {
        const result = lease(state, { ...REQUEST, rotation }, NOW + 1000);
        expect(state.looked).toBeLessThanOrEqual(MAX_LOOKED_AT);
        if (result.kind === 'again') continue;
        expect(result).toEqual({ kind: 'none', retryInMs: null });
        expect(calls).toBeLessThan(count / 100);
        break;
      }
      expect(state.dead.size).toBe(count);
    });
  },
);
