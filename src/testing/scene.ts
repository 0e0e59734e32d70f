import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type {
  LeasedResult,
  LeaseRequest,
  LeaseResult,
  ListedSession,
  NewSession,
  ReleaseChange,
  SessionStore,
  StoreCounts,
  VacantResult,
} from '../stores/store.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import type { StoreHarness, TestRunner } from './harness.ts';

/**
 * Real time runs this much faster than the tests count, or waiting for rests would take minutes. A test that was late
 * and failed says nothing about the store, and runs once more, with more time for everything.
 */
const REAL_TIME_SCALES = [0.2, 0.5, 1.5];
/** Calls that took longer than this in all, in the time of the scene, may have made a test late: it counts on halves of 1000. */
const LATE_MS = 300;

export type Lookup = Partial<LeaseRequest>;

/** A fresh store within one test, and the few things that every test does with it. */
export class Scene {
  readonly store: SessionStore;
  readonly #harness: StoreHarness;
  readonly #clock: FakeClock;
  readonly #opened: SessionStore[];
  readonly #scale: number;
  readonly #beganAt = performance.now();
  #waitedMs = 0;

  constructor(harness: StoreHarness, store: SessionStore, clock: FakeClock, scale: number) {
    this.#harness = harness;
    this.#clock = clock;
    this.#scale = scale;
    this.store = store;
    this.#opened = [store];
  }

  /** A duration, in the time of this scene. */
  ms(ms: number): number {
    return this.#harness.usesOwnClock ? ms * this.#scale : ms;
  }

  /** How far an instant may be off: nothing where the clock is ours. */
  get slack(): number {
    return this.#harness.usesOwnClock ? 1000 * this.#scale : 1;
  }

  /** In real time, whether so much went by beside what it waited for that its instants may be wrong. */
  get isLate(): boolean {
    const besideMs = performance.now() - this.#beganAt - this.#waitedMs;
    return this.#harness.usesOwnClock === true && besideMs > LATE_MS * this.#scale;
  }

  async advance(ms: number): Promise<void> {
    if (!this.#harness.usesOwnClock) return this.#clock.advance(ms);
    const realMs = this.ms(ms) + 5;
    await new Promise((resolve) => setTimeout(resolve, realMs));
    this.#waitedMs += realMs;
  }

  /** A handle of somebody else, as another process has. */
  async anotherHandle(): Promise<SessionStore> {
    const other = await this.#harness.reopen!(
      this.store,
      this.#harness.usesOwnClock ? {} : { clock: this.#clock },
    );
    this.#opened.push(other);
    return other;
  }

  /** A body as this store takes it. */
  body(value: unknown): unknown {
    return this.store.capabilities.bodies === 'text' ? JSON.stringify(value) : value;
  }

  value(body: unknown): unknown {
    return this.store.capabilities.bodies === 'text' ? JSON.parse(body as string) : body;
  }

  session(id: string, overrides: Partial<NewSession> = {}): NewSession {
    return {
      id,
      ageMs: 0,
      expiresInMs: null,
      usageCount: 0,
      maxUsageCount: null,
      errorScore: 0,
      body: this.body({ of: id }),
      ...overrides,
    };
  }

  /** Adds sessions `name-0`, `name-1`, … in this order. */
  async add(howMany: number, overrides: Partial<NewSession> = {}, name = 's'): Promise<string[]> {
    const ids = Array.from({ length: howMany }, (_, index) => `${name}-${String(index).padStart(5, '0')}`);
    const added = await this.store.add(ids.map((id) => this.session(id, overrides)));
    assert.equal(added.kind, 'added');
    return ids;
  }

  /** One call, whatever it answers. */
  async leaseOnce(lookup: Lookup = {}, store = this.store): Promise<LeaseResult> {
    return store.lease({
      rotation: 'round-robin',
      fill: 'on-demand',
      leaseMs: this.ms(60_000),
      holder: 'test:1',
      ...lookup,
    });
  }

  /** Calls until the answer is not `again`, and no more than any store may need. */
  async lease(lookup: Lookup = {}, store = this.store): Promise<Exclude<LeaseResult, { kind: 'again' }>> {
    for (let calls = 0; calls < 10_000; calls++) {
      const result = await this.leaseOnce(lookup, store);
      if (result.kind !== 'again') return result;
    }
    assert.fail('a lease answered "again" 10 000 times');
  }

  async leased(lookup: Lookup = {}, store = this.store): Promise<LeasedResult> {
    const result = await this.lease(lookup, store);
    assert.equal(result.kind, 'leased', `leased expected, got ${result.kind}`);
    return result as LeasedResult;
  }

  async vacant(lookup: Lookup = {}): Promise<VacantResult> {
    const result = await this.lease(lookup);
    assert.equal(result.kind, 'vacant', `vacant expected, got ${result.kind}`);
    return result as VacantResult;
  }

  /** Asserts that there is none, and answers when to come again. */
  async none(lookup: Lookup = {}): Promise<number | null> {
    const result = await this.lease(lookup);
    assert.equal(result.kind, 'none', `none expected, got ${result.kind}`);
    return (result as { retryInMs: number | null }).retryInMs;
  }

  async assertRetryIn(retryInMs: number | null, ms: number): Promise<void> {
    assert.ok(retryInMs !== null, 'a time to retry was expected');
    const off = Math.abs(retryInMs - this.ms(ms));
    assert.ok(off <= this.slack, `retry in ${this.ms(ms)} ms expected, got ${retryInMs}`);
  }

  /** A good use, unless told otherwise. */
  used(held: LeasedResult, overrides: Partial<ReleaseChange> = {}): ReleaseChange {
    return {
      usageCount: held.session.usageCount + 1,
      errorScore: held.session.errorScore,
      status: 'usable',
      ...overrides,
    };
  }

  /** Leases this session, changes it and gives it back. */
  async use(id: string, change: Partial<ReleaseChange> = {}): Promise<void> {
    const held = await this.leased({ id });
    assert.equal(await this.store.release(held.lease, this.used(held, change)), 'released');
  }

  async get(id: string): Promise<ListedSession> {
    const session = await this.store.get(id);
    assert.ok(session, `session ${id} expected`);
    return session;
  }

  async all(state?: ListedSession['state'], limit = 100): Promise<ListedSession[]> {
    const sessions: ListedSession[] = [];
    let after: string | undefined;
    do {
      const page = await this.store.list({ after, limit, state } as Parameters<SessionStore['list']>[0]);
      assert.ok(page.sessions.length <= limit);
      sessions.push(...page.sessions);
      after = page.next;
    } while (after !== undefined);
    return sessions;
  }

  /** The counters say what a walk over the whole list says. */
  async assertCountsAgree(): Promise<void> {
    const [sessions, counts] = await this.#walkAndCount();
    const states = (state: string) => sessions.filter((session) => session.state === state).length;
    const walked = {
      ready: states('ready'),
      leased: states('leased'),
      resting: states('resting'),
      dead: states('dead'),
    };
    const { ready, leased, resting, dead } = counts;
    assert.deepEqual({ ready, leased, resting, dead }, walked);
    assert.equal(counts.living, walked.ready + walked.leased + walked.resting);
    const sites: Record<string, { resting: number; banned: number }> = {};
    for (const session of sessions.filter(({ state }) => state !== 'dead')) {
      for (const { site, untilAt } of session.blocks) {
        sites[site] ??= { resting: 0, banned: 0 };
        sites[site][untilAt === null ? 'banned' : 'resting']++;
      }
    }
    assert.deepEqual({ ...counts.sites }, sites);
    const tags: Record<string, number> = {};
    for (const { state, tag } of sessions) {
      if (state !== 'dead' && tag !== null) tags[tag] = (tags[tag] ?? 0) + 1;
    }
    assert.deepEqual({ ...counts.tags }, tags);
  }

  /** Both of one moment: in real time a rest may end between them, and they are done again. */
  async #walkAndCount(): Promise<[ListedSession[], StoreCounts]> {
    for (let tries = 0; tries < 100; tries++) {
      const sessions = await this.all();
      const counts = await this.store.count();
      if (!this.#harness.usesOwnClock) return [sessions, counts];
      if (isDeepStrictEqual(await this.all(), sessions)) return [sessions, counts];
    }
    assert.fail('the sessions never stood still');
  }

  async close(): Promise<void> {
    for (const store of this.#opened) await store.close();
  }
}

/** Registers a test that gets a fresh store, and closes it whatever happens. */
export type SceneTest = (name: string, body: (scene: Scene) => Promise<void>) => void;

export function sceneTest(runner: TestRunner, harness: StoreHarness): SceneTest {
  return (name, body) => {
    runner.it(name, async () => {
      for (const scale of REAL_TIME_SCALES) {
        const clock = fakeClock();
        const store = await harness.open(harness.usesOwnClock ? {} : { clock });
        const scene = new Scene(harness, store, clock, scale);
        try {
          return await body(scene);
        } catch (error) {
          if (!scene.isLate || scale === REAL_TIME_SCALES.at(-1)) throw error;
        } finally {
          await scene.close();
        }
      }
    });
  };
}
