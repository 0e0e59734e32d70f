import assert from 'node:assert/strict';
import type {
  Lease,
  LeaseRequest,
  NewSession,
  ReleaseChange,
  ReleaseResult,
  SessionStatus,
} from '../../stores/store.ts';
import type { StoreHarness } from '../harness.ts';
import { type Random, seededRandom } from '../random.ts';
import type { Scene, SceneTest } from '../scene.ts';
import { Model, type ModelSession } from './model.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const CALLS = 400;
const LIMIT = 12;
const SITES = ['a.example', 'b.example'];
const TAGS = ['proxy a', 'proxy b'];

/** Random calls against the store and against a plain model of the contract; both must agree after each. */
export function randomCalls(it: SceneTest, harness: StoreHarness): void {
  // The model needs to know the very millisecond.
  if (harness.usesOwnClock) return;
  for (const seed of SEEDS) {
    it(`agrees with a plain model through ${CALLS} random calls (seed ${seed})`, async (scene) => {
      const run = new Run(scene, seededRandom(seed));
      for (let call = 0; call < CALLS; call++) await run.step();
    });
  }
}

class Run {
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #model: Model;
  readonly #placeLeases: Lease[] = [];
  readonly #past: Lease[] = [];
  #made = 0;

  constructor(scene: Scene, random: Random) {
    this.#scene = scene;
    this.#random = random;
    this.#model = new Model(0);
  }

  async step(): Promise<void> {
    const action = this.#random.below(100);
    if (action < 38) await this.#lease();
    else if (action < 62) await this.#release();
    else if (action < 68) await this.#createOrAbandon();
    else if (action < 72) await this.#renew();
    else if (action < 78) await this.#order();
    else if (action < 81) await this.#add();
    else if (action < 83) await this.#remove();
    else if (action < 87) await this.#releaseStale();
    else await this.#advance();
    await this.#compare();
  }

  async #lease(): Promise<void> {
    const random = this.#random;
    const model = this.#model;
    const site = random.percent(60) ? random.pick(SITES) : undefined;
    const fill = random.pick(['on-demand', 'first'] as const);
    const limit = random.percent(70) ? LIMIT : undefined;
    const rotation = random.pick(['round-robin', 'use-until-failure', 'random'] as const);
    const leaseMs = random.pick([500, 5000, 50_000]);
    const before = await this.#scene.store.count();
    const hadRoom = limit !== undefined && before.living + before.places < limit;
    const eligible = model.eligible(site);
    const lookup: Partial<LeaseRequest> = { rotation, fill, leaseMs };
    if (site !== undefined) lookup.site = site;
    if (limit !== undefined) lookup.limit = limit;
    const result = await this.#scene.lease(lookup);

    if (result.kind === 'leased') {
      const session = model.sessions.get(result.lease.id);
      assert.ok(session && eligible.includes(session), `${result.lease.id} must not be handed out`);
      assert.ok(fill !== 'first' || !hadRoom, 'a new one must be made first');
      if (!session.wasAbandoned) assert.equal(result.recovered, model.isAbandoned(session));
      session.wasAbandoned = false;
      if (model.isAbandoned(session)) session.uses++;
      assert.equal(result.session.usageCount, session.uses);
      assert.equal(result.session.errorScore, session.score);
      assert.equal(this.#scene.value(result.session.body), session.body);
      if (session.lease) this.#past.push(session.lease.lease);
      session.lease = { lease: result.lease, until: model.now + leaseMs };
      return;
    }
    if (result.kind === 'vacant') {
      assert.ok(limit !== undefined);
      assert.ok(fill === 'first' || eligible.length === 0, 'somebody was free');
      if (model.living().length + model.reserved() >= limit) await this.#someoneMadeRoom(site);
      model.places.set(keyOf(result.lease), model.now + leaseMs);
      this.#placeLeases.push(result.lease);
      return;
    }
    assert.equal(eligible.length, 0, `none, although ${eligible.map(({ id }) => id)} could be had`);
    if (limit !== undefined) assert.ok(model.living().length + model.reserved() >= limit, 'there was room');
    const at = model.nextEligibleAt(site);
    if (at !== null) {
      assert.ok(result.retryInMs !== null, 'somebody comes back');
      assert.ok(result.retryInMs <= Math.max(1, at - model.now), `${result.retryInMs} is later than ${at}`);
    }
    assert.ok(result.retryInMs === null || result.retryInMs > 0);
  }

  /** All the living were banned, and one of them that nobody held died for the new one. */
  async #someoneMadeRoom(site: string | undefined): Promise<void> {
    const model = this.#model;
    assert.ok(site !== undefined, 'no room');
    const living = model.living();
    assert.ok(living.every((session) => session.blocks.get(site) === null));
    const gone: ModelSession[] = [];
    for (const session of living.filter((one) => !model.isHeld(one))) {
      if ((await this.#scene.get(session.id)).state === 'dead') gone.push(session);
    }
    assert.equal(gone.length, 1);
    gone[0]!.dead = { status: 'retired', reason: 'made room' };
  }

  async #release(): Promise<void> {
    const held = this.#held();
    if (!held) return;
    const random = this.#random;
    const { lease } = held.lease!;
    this.#past.push(lease);
    if (random.percent(10)) {
      const asItWas: ReleaseChange = { usageCount: held.uses, errorScore: held.score, status: 'usable' };
      const answer = await this.#scene.store.release(lease, null);
      this.#assertReleased(held, this.#model.release(held, asItWas, undefined), answer);
      return;
    }
    const change: ReleaseChange = {
      usageCount: held.uses + 1,
      errorScore: random.below(3),
      status: 'usable',
    };
    if (random.percent(8)) change.status = random.pick(['blocked', 'expired', 'used-up', 'retired'] as const);
    if (random.percent(15)) change.restMs = random.pick([200, 2000, 20_000]);
    if (random.percent(50)) {
      change.blocks = [{ site: random.pick(SITES), ms: random.pick([null, null, 300, 3000, 0]) }];
    }
    if (random.percent(15)) change.tag = random.pick([null, ...TAGS]);
    const body = random.percent(50) ? `body ${random.below(1000)}` : undefined;
    if (body !== undefined) change.body = this.#scene.body(body);
    const answer = await this.#scene.store.release(lease, change);
    this.#assertReleased(held, this.#model.release(held, change, body), answer);
  }

  /** Of one that has also expired or was used up, a store may say either: it is over in any case. */
  #assertReleased(session: ModelSession, expected: ReleaseResult, answer: ReleaseResult): void {
    const { dead } = session;
    session.dead = null;
    const isOverAnyway = expected === 'ordered' && this.#model.isOver(session);
    if (isOverAnyway && answer === 'released') return;
    session.dead = dead;
    assert.equal(answer, expected);
  }

  async #createOrAbandon(): Promise<void> {
    const { store } = this.#scene;
    const place = this.#placeLeases.shift();
    if (!place) return;
    const until = this.#model.places.get(keyOf(place))!;
    const isHeld = until > this.#model.now;
    if (this.#random.percent(25)) {
      this.#model.places.delete(keyOf(place));
      assert.equal(await store.release(place, null), isHeld ? 'released' : 'lost');
      return;
    }
    const session = this.#newSession();
    const result = await store.create(place, session);
    if (result.kind === 'tag-full') {
      assert.ok(isHeld);
      await this.#assertTagFull(session);
      this.#placeLeases.push(place);
      return;
    }
    this.#model.places.delete(keyOf(place));
    assert.equal(result.kind, isHeld ? 'created' : 'lost');
    if (result.kind === 'created') {
      this.#assertTagRoom(session);
      this.#model.add(session, session.id, { lease: result.lease, until });
    }
  }

  async #renew(): Promise<void> {
    const held = this.#held();
    if (!held) return;
    const leaseMs = this.#random.pick([500, 5000]);
    const [outcome] = await this.#scene.store.renew([{ lease: held.lease!.lease, leaseMs }]);
    const order = { kind: 'retire', reason: held.retireOrder } as const;
    assert.deepEqual(outcome, held.retireOrder === null ? { kind: 'held' } : { kind: 'held', order });
    held.lease!.until = this.#model.now + leaseMs;
  }

  async #order(): Promise<void> {
    const { store } = this.#scene;
    const model = this.#model;
    const random = this.#random;
    const known = [...model.sessions.values()].filter(
      (session) => session.dead !== null || (!model.isOver(session) && !model.isAbandoned(session)),
    );
    if (known.length === 0) return;
    const session = random.pick(known);
    const target = { ids: [session.id] };
    if (session.dead) {
      const room = model.living().length + model.reserved() < LIMIT;
      const reached = await store.order(target, { kind: 'revive', expiresInMs: null, limit: LIMIT });
      // Buried late, others may still fill the store, but none may be revived beyond the limit.
      assert.ok(reached === 0 || room);
      if (reached === 0) return;
      const isUsedUp = session.maxUses !== null && session.uses >= session.maxUses;
      if (session.dead.status === 'used-up' || isUsedUp) session.uses = 0;
      if (session.dead.status === 'expired' || model.isExpired(session)) session.expiresAt = null;
      Object.assign(session, { dead: null, score: 0, lease: null, readyAt: model.now, blocks: new Map() });
    } else if (model.isHeld(session) || random.percent(20)) {
      const reason = `order ${random.below(5)}`;
      assert.equal(await store.order(target, { kind: 'retire', reason }), 1);
      if (model.isHeld(session)) session.retireOrder = reason;
      else session.dead = { status: 'retired', reason };
    } else if (random.percent(50)) {
      assert.equal(await store.order(target, { kind: 'rest', ms: 700 }), 1);
      session.readyAt = Math.max(session.readyAt, model.now + 700);
    } else {
      assert.equal(await store.order(target, { kind: 'lift' }), 1);
      session.readyAt = Math.min(session.readyAt, model.now);
      session.blocks.clear();
    }
  }

  async #add(): Promise<void> {
    const session = this.#newSession();
    const isDuplicate = this.#random.percent(30) && this.#model.living().length > 0;
    if (isDuplicate) {
      session.id = this.#random.pick(this.#model.living()).id;
      assert.deepEqual(await this.#scene.store.add([session], LIMIT), { kind: 'duplicate', id: session.id });
      return;
    }
    const result = await this.#scene.store.add([session], LIMIT);
    const isFull = this.#model.living().length + this.#model.reserved() >= LIMIT;
    if (result.kind === 'tag-full') {
      assert.equal(result.id, session.id);
      return this.#assertTagFull(session);
    }
    if (isFull) assert.equal(result.kind, 'full');
    if (result.kind !== 'added') return;
    this.#assertTagRoom(session);
    this.#model.add(session, session.id);
  }

  #assertTagRoom({ tag, tagLimit }: NewSession): void {
    if (tag == null || tagLimit === undefined) return;
    assert.ok(this.#model.tagged(tag).length < tagLimit, `${tag} had ${tagLimit} already`);
  }

  /** Buried late, others may still count. */
  async #assertTagFull({ tag, tagLimit }: NewSession): Promise<void> {
    assert.ok(tag != null && tagLimit !== undefined);
    const { tags } = await this.#scene.store.count();
    assert.ok((tags[tag] ?? 0) >= tagLimit, `${tag} has room`);
  }

  async #remove(): Promise<void> {
    const sessions = [...this.#model.sessions.values()];
    if (sessions.length === 0) return;
    const { id, lease } = this.#random.pick(sessions);
    assert.equal(await this.#scene.store.remove([id]), 1);
    this.#model.sessions.delete(id);
    if (lease) this.#past.push(lease.lease);
  }

  /** A lease that is over, or that never was, writes nothing. */
  async #releaseStale(): Promise<void> {
    const abandoned = [...this.#model.sessions.values()].filter((session) =>
      this.#model.isAbandoned(session),
    );
    const leases = [...this.#past, ...abandoned.map((session) => session.lease!.lease)];
    if (leases.length === 0) return;
    const lease = this.#random.pick(leases);
    const change = { usageCount: 1000, errorScore: 1000, status: 'blocked' } as const;
    assert.equal(await this.#scene.store.release(lease, change), 'lost');
    const [outcome] = await this.#scene.store.renew([{ lease, leaseMs: 99_000 }]);
    assert.deepEqual(outcome, { kind: 'lost' });
  }

  async #advance(): Promise<void> {
    const ms = this.#random.pick([1, 1, 100, 300, 1000, 6000]);
    this.#model.now += ms;
    await this.#scene.advance(ms);
  }

  async #compare(): Promise<void> {
    const counts = await this.#scene.store.count();
    assert.ok(counts.living + counts.places <= LIMIT, `${counts.living} + ${counts.places} of ${LIMIT}`);
    assert.equal(counts.places, this.#model.reserved());
    await this.#scene.assertCountsAgree();
    for (const session of this.#model.sessions.values()) await this.#compareOne(session);
  }

  async #compareOne(session: ModelSession): Promise<void> {
    const model = this.#model;
    const stored = await this.#scene.get(session.id);
    assert.equal(this.#scene.value(stored.body), session.body);
    assert.equal(stored.tag, session.tag);
    if (session.dead) {
      assert.deepEqual(
        [stored.state, stored.status, stored.reason],
        ['dead', session.dead.status, session.dead.reason],
      );
      assert.equal(stored.usageCount, session.uses);
      return;
    }
    // When a store buries those that are over is its own affair.
    if (model.isOver(session)) return this.#adoptDeath(session, stored);
    const restsUntil = session.readyAt > model.now ? 'resting' : 'ready';
    assert.equal(stored.state, model.isHeld(session) ? 'leased' : restsUntil);
    if (!model.isAbandoned(session)) assert.equal(stored.usageCount, session.uses);
    assert.equal(stored.errorScore, session.score);
    const blocked = SITES.filter((site) => model.isBlocked(session, site));
    assert.deepEqual(stored.blocks.map(({ site }) => site).sort(), blocked);
  }

  #adoptDeath(session: ModelSession, stored: { state: string; status: string; reason: string | null }): void {
    if (stored.state !== 'dead') return;
    const status = stored.status as SessionStatus;
    assert.ok(['expired', 'used-up', 'retired'].includes(status));
    if (this.#model.isAbandoned(session)) {
      session.uses++;
      session.wasAbandoned = true;
    }
    session.lease = null;
    session.retireOrder = null;
    session.dead = { status, reason: stored.reason! };
  }

  #held(): ModelSession | undefined {
    const held = [...this.#model.sessions.values()].filter((session) => this.#model.isHeld(session));
    return held.length === 0 ? undefined : this.#random.pick(held);
  }

  #newSession() {
    const id = `n-${this.#made++}`;
    return this.#scene.session(id, {
      body: this.#scene.body(id),
      expiresInMs: this.#random.pick([null, 3000, 20_000]),
      maxUsageCount: this.#random.pick([null, 2, 10]),
      tag: this.#random.pick([null, ...TAGS]),
      ...(this.#random.percent(50) && { tagLimit: 1 + this.#random.below(4) }),
    });
  }
}

/** Tokens and fences together are unique; alone, neither need be. */
function keyOf(lease: Lease): string {
  return `${lease.token} ${lease.fence}`;
}
