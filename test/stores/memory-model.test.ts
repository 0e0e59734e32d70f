import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memoryStore } from '../../src/stores/memory/memory-store.ts';
import type { Lease, LeaseRequest, Order, ReleaseChange, Rotation } from '../../src/stores/store.ts';

/** The memory store, written as plainly as can be: everything is found by looking at everything. */
interface ModelSession {
  id: string;
  state: 'ready' | 'leased' | 'resting' | 'dead';
  /** When the lease or rest ends. */
  until: number;
  /** The order of the ready. */
  turn: number;
  usageCount: number;
  maxUsageCount: number | null;
  expiresAt: number | null;
  blocks: Map<string, { until: number; turn: number }>;
  recovered: boolean;
  lease: Lease | null;
  orders: Order[];
}

class Model {
  sessions: ModelSession[] = [];
  places: { lease: Lease; until: number }[] = [];
  turn = 0;
  now = 0;

  living(): ModelSession[] {
    return this.sessions.filter(({ state }) => state !== 'dead');
  }

  find(id: string): ModelSession {
    return this.sessions.find((session) => session.id === id)!;
  }

  /** What time alone does. */
  advance(now: number): void {
    this.now = now;
    this.places = this.places.filter(({ until }) => until > now);
    const ended = this.sessions
      .filter(({ state, until }) => (state === 'leased' || state === 'resting') && until <= now)
      .sort((a, b) => (a.state === b.state ? a.until - b.until : a.state === 'leased' ? -1 : 1));
    for (const session of ended) {
      const { orders, state } = session;
      if (state === 'leased') {
        session.usageCount++;
        session.recovered = true;
      }
      this.giveBack(session, state === 'leased' ? orders : []);
    }
    for (const session of this.living()) {
      if (session.state !== 'leased' && session.expiresAt !== null && session.expiresAt <= now)
        this.die(session);
    }
  }

  giveBack(session: ModelSession, orders: Order[], restMs = 0): boolean {
    const isRetired = orders.some(({ kind }) => kind === 'retire');
    if (isRetired) this.die(session);
    else this.free(session, restMs);
    for (const order of orders) this.obey(session, order);
    return isRetired;
  }

  free(session: ModelSession, restMs = 0): void {
    session.lease = null;
    session.orders = [];
    const isUsedUp = session.maxUsageCount !== null && session.usageCount >= session.maxUsageCount;
    if (isUsedUp || (session.expiresAt !== null && session.expiresAt <= this.now)) this.die(session);
    else if (restMs > 0) {
      session.state = 'resting';
      session.until = this.now + restMs;
    } else {
      session.state = 'ready';
      session.turn = this.turn++;
    }
  }

  die(session: ModelSession): void {
    session.state = 'dead';
    session.lease = null;
    session.blocks.clear();
  }

  obey(session: ModelSession, order: Order): void {
    if (session.state === 'dead') return;
    if (order.kind === 'retire') this.die(session);
    else if (order.kind === 'rest') {
      // Never shorter than it rests already.
      const isResting = session.state === 'resting' || order.site !== undefined;
      const end = order.site === undefined ? session.until : (session.blocks.get(order.site)?.until ?? 0);
      if (isResting && this.now + order.ms <= end) return;
      if (order.site === undefined) this.free(session, order.ms);
      else this.block(session, order.site, order.ms);
    } else if (order.kind === 'lift') {
      const had = order.site === undefined ? session.blocks.size > 0 : session.blocks.has(order.site);
      if (order.site === undefined) session.blocks.clear();
      else session.blocks.delete(order.site);
      const wasResting = session.state === 'resting' && order.site === undefined;
      if (wasResting || (had && session.state === 'ready')) this.free(session);
    }
  }

  block(session: ModelSession, site: string, ms: number | null): void {
    const until = ms === null ? Number.POSITIVE_INFINITY : this.now + ms;
    if ((session.blocks.get(site)?.until ?? 0) >= until) return;
    session.blocks.set(site, { until, turn: this.turn++ });
  }

  /** Whom a lease may get, the first choice first. */
  eligible(rotation: Rotation, site: string | undefined): ModelSession[] {
    const free = this.sessions.filter(
      ({ state, blocks }) =>
        state === 'ready' && !(site !== undefined && (blocks.get(site)?.until ?? 0) > this.now),
    );
    free.sort((a, b) => (rotation === 'use-until-failure' ? b.turn - a.turn : a.turn - b.turn));
    if (site === undefined) return free;
    // Rests for the site that are over are used up by whoever asks next, in the order of their ends.
    const rested = this.living()
      .filter(({ blocks }) => (blocks.get(site)?.until ?? Number.POSITIVE_INFINITY) <= this.now)
      .sort((a, b) => a.blocks.get(site)!.until - b.blocks.get(site)!.until);
    const first = rotation === 'random' ? undefined : rested.find(({ state }) => state === 'ready');
    return first ? [first, ...free.filter((session) => session !== first)] : free;
  }

  /** Ends the rests that the store ended while it looked for this session. */
  settle(site: string, chosen: ModelSession | undefined): void {
    const rested = this.living()
      .filter(({ blocks }) => (blocks.get(site)?.until ?? Number.POSITIVE_INFINITY) <= this.now)
      .sort((a, b) => a.blocks.get(site)!.until - b.blocks.get(site)!.until);
    for (const session of rested) {
      session.blocks.delete(site);
      if (session === chosen) break;
    }
  }
}

const SITES = ['a', 'b'];
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const site = fc.option(fc.constantFrom(...SITES), { nil: undefined });
const ms = fc.integer({ min: 1, max: 60 });
const nth = fc.nat(50);
const order = fc.oneof(
  fc.constant({ kind: 'retire' as const, reason: 'told to' }),
  fc.record({ kind: fc.constant('rest' as const), ms, site }),
  fc.record({ kind: fc.constant('lift' as const), site }),
  fc.constant({ kind: 'revive' as const, expiresInMs: 500, limit: 12 }),
);
const blocks = fc.array(
  fc.record({ site: fc.constantFrom(...SITES), ms: fc.oneof(ms, fc.constantFrom(null, null, 0)) }),
  { maxLength: 2 },
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('lease' as const),
      site,
      limit: fc.option(fc.integer({ min: 3, max: 12 }), { nil: undefined, freq: 3 }),
      fill: fc.constantFrom('first' as const, 'on-demand' as const),
      byId: rarely(nth),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      nth,
      restMs: rarely(ms),
      dies: rarely(fc.constant(true)),
      blocks,
      isUnused: rarely(fc.constant(true)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('order' as const), nth, order }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const), nth }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), nth }) },
);

it.each<Rotation>(['round-robin', 'use-until-failure', 'random'])(
  'the memory store does what a plain model does (%s)',
  (rotation) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 250 }), (steps) => {
        const model = new Model();
        let now = 1_000_000;
        const store = memoryStore({ clock: { now: () => now, monotonic: () => now } });
        let made = 0;
        // Every instant is another one, so that no order is left to chance.
        const unique = () => ++made / 2 ** 16;

        for (const step of steps) {
          if (step.kind === 'tick') now += step.ms;
          model.advance(now);
          const held = model.sessions.filter(({ lease }) => lease !== null);
          if (step.kind === 'lease') {
            const leaseMs = 30 + unique();
            const byId =
              step.byId === undefined ? undefined : model.sessions[step.byId % model.sessions.length];
            const request: LeaseRequest = {
              rotation,
              fill: step.fill,
              leaseMs,
              holder: 'test:1',
              ...(byId && { id: byId.id }),
              ...(step.site !== undefined && { site: step.site }),
              ...(step.limit !== undefined && { limit: step.limit }),
            };
            const result = store.lease(request);
            if (result instanceof Promise || result.kind === 'again') throw new Error('must answer at once');
            const inUse = model.living().length + model.places.length;
            const eligible = model.eligible(rotation, step.site);
            const isFilling = !byId && step.limit !== undefined && inUse < step.limit;
            if (result.kind === 'leased') {
              const session = model.find(result.lease.id);
              if (byId) expect(session).toBe(byId);
              expect(isFilling && step.fill === 'first').toBe(false);
              expect(session.state).toBe('ready');
              if (byId || rotation === 'random') expect(eligible).toContain(session);
              else expect(session).toBe(eligible[0]);
              expect(result.recovered).toBe(session.recovered);
              expect(result.session.usageCount).toBe(session.usageCount);
              if (step.site !== undefined && !byId && rotation !== 'random') model.settle(step.site, session);
              Object.assign(session, {
                state: 'leased',
                until: now + leaseMs,
                lease: result.lease,
                recovered: false,
              });
            } else if (result.kind === 'vacant') {
              expect(byId).toBeUndefined();
              if (!isFilling) {
                // Room was made by the one banned longest among those that nobody holds.
                expect(inUse).toBe(step.limit);
                expect(model.living().every(({ blocks }) => blocks.get(step.site!)?.until === Infinity)).toBe(
                  true,
                );
                const free = model.living().filter(({ state }) => state !== 'leased');
                free.sort((a, b) => a.blocks.get(step.site!)!.turn - b.blocks.get(step.site!)!.turn);
                model.die(free[0]!);
              } else if (step.fill === 'on-demand') {
                expect(eligible).toEqual([]);
                if (step.site !== undefined) model.settle(step.site, undefined);
              }
              if (made % 2 === 0) model.places.push({ lease: result.lease, until: now + leaseMs });
              else {
                const session = {
                  id: `s${made}`,
                  ageMs: 0,
                  expiresInMs: made % 3 === 0 ? null : 200 + unique(),
                  usageCount: 0,
                  maxUsageCount: made % 5 === 0 ? null : 6,
                  errorScore: 0,
                  body: {},
                };
                const created = store.create(result.lease, session);
                if (created instanceof Promise || created.kind !== 'created') throw new Error('not created');
                model.sessions.push({
                  id: session.id,
                  state: 'leased',
                  until: now + leaseMs,
                  turn: 0,
                  usageCount: 0,
                  maxUsageCount: session.maxUsageCount,
                  expiresAt: session.expiresInMs === null ? null : now + session.expiresInMs,
                  blocks: new Map(),
                  recovered: false,
                  lease: created.lease,
                  orders: [],
                });
              }
            } else {
              if (byId) expect(eligible).not.toContain(byId);
              else {
                expect(eligible).toEqual([]);
                expect(isFilling).toBe(false);
                if (step.site !== undefined) model.settle(step.site, undefined);
                const ends = model
                  .living()
                  .map(({ state, until, blocks }) =>
                    Math.max(state === 'ready' ? 0 : until, blocks.get(step.site ?? '')?.until ?? 0),
                  )
                  .filter((end) => end !== Infinity);
                if (ends.length > 0) {
                  expect(result.retryInMs).not.toBeNull();
                  expect(result.retryInMs).toBeLessThanOrEqual(Math.min(...ends) - now);
                  if (step.limit === undefined) expect(result.retryInMs).toBe(Math.min(...ends) - now);
                }
                if (step.limit === undefined && ends.length === 0) expect(result.retryInMs).toBeNull();
              }
            }
          } else if (step.kind === 'release' && held.length > 0) {
            const session = held[step.nth % held.length]!;
            const lease = session.lease!;
            const restMs = step.restMs === undefined ? undefined : step.restMs + unique();
            const change: ReleaseChange | null = step.isUnused
              ? null
              : {
                  usageCount: session.usageCount + 1,
                  errorScore: 0,
                  status: step.dies ? 'blocked' : 'usable',
                  blocks: step.blocks.map(({ site, ms }) => ({ site, ms: ms ? ms + unique() : ms })),
                  ...(restMs !== undefined && { restMs }),
                };
            const { orders } = session;
            if (change) session.usageCount++;
            let isOrdered = false;
            if (change && change.status !== 'usable') model.die(session);
            else {
              for (const { site, ms } of change?.blocks ?? []) {
                if (ms === 0) session.blocks.delete(site);
                else model.block(session, site, ms);
              }
              isOrdered = model.giveBack(session, orders, change?.restMs);
            }
            expect(store.release(lease, change)).toBe(isOrdered ? 'ordered' : 'released');
            expect(store.release(lease, change)).toBe('lost');
          } else if (step.kind === 'order' && model.sessions.length > 0) {
            const session = model.sessions[step.nth % model.sessions.length]!;
            const { order } = step;
            const given = order.kind === 'rest' ? { ...order, ms: order.ms + unique() } : order;
            const isDead = session.state === 'dead';
            const reached = store.order({ ids: [session.id, session.id, 'nobody'] }, given);
            if (given.kind === 'revive') {
              const canLive = isDead && model.living().length + model.places.length < given.limit;
              expect(reached).toBe(canLive ? 1 : 0);
              if (canLive) {
                if (session.expiresAt !== null && session.expiresAt <= now) session.expiresAt = now + 500;
                if (session.maxUsageCount !== null && session.usageCount >= session.maxUsageCount)
                  session.usageCount = 0;
                model.free(session);
              }
            } else {
              expect(reached).toBe(isDead ? 0 : 1);
              if (session.state === 'leased') {
                const siteOf = (order: Order) => ('site' in order ? order.site : undefined);
                session.orders = session.orders.filter(
                  (other) => other.kind !== given.kind || siteOf(other) !== siteOf(given),
                );
                session.orders.push(given);
              } else model.obey(session, given);
            }
          } else if (step.kind === 'renew' && held.length > 0) {
            const session = held[step.nth % held.length]!;
            const leaseMs = 45 + unique();
            const [outcome] = store.renew([{ lease: session.lease!, leaseMs }]) as {
              kind: string;
              order?: Order;
            }[];
            expect(outcome!.kind).toBe('held');
            expect(outcome!.order !== undefined).toBe(session.orders.length > 0);
            session.until = now + leaseMs;
          } else if (step.kind === 'remove' && model.sessions.length > 0) {
            const [session] = model.sessions.splice(step.nth % model.sessions.length, 1);
            expect(store.remove([session!.id])).toBe(1);
            if (session!.lease) expect(store.release(session!.lease, null)).toBe('lost');
          }
          const states = (state: string) =>
            model.sessions.filter((session) => session.state === state).length;
          expect(store.count()).toMatchObject({
            living: model.living().length,
            ready: states('ready'),
            leased: states('leased'),
            resting: states('resting'),
            dead: states('dead'),
            places: model.places.length,
          });
        }
      }),
      { numRuns: 150 },
    );
  },
);
