import { type Random, seededRandom } from '../../src/testing/random.ts';
import type { History, Hold, Release } from './history.ts';

/** A session in a store that keeps every promise. Instants are the store's. */
interface ModelSession {
  id: string;
  fence: number;
  usageCount: number;
  maxUsageCount: number | null;
  expiresAt: number | null;
  mark: number;
  isRecovered: boolean;
  restsUntil: number;
  blockedUntil: Map<string, number>;
  /** Who dies keeps his reason. */
  death: { status: 'retired' | 'used-up' | 'expired'; reason: string } | undefined;
  /** The lease under way, and when it runs out; nobody may know of it. */
  leasedUntil: number | undefined;
  hold: Hold | undefined;
  isOrdered: boolean;
}

const LEASE_MS = 1_000;
const MARGIN_MS = 100;
const MAX_POOL_SIZE = 4;
const SITES = ['a', 'b'];

/**
 * A history without a fault: a perfect store in a made-up time, used by workers who may lose answers, abandon leases
 * and renew late. What the checker says against it is wrong.
 */
export function modelHistory(seed: number): History {
  return new Model(seededRandom(seed)).run();
}

class Model {
  readonly #random: Random;
  readonly #sessions: ModelSession[] = [];
  readonly #history: History;
  #now = 10_000;
  #ids = 0;

  constructor(random: Random) {
    this.#random = random;
    const settings = { leaseMs: LEASE_MS, marginMs: MARGIN_MS, maxPoolSize: MAX_POOL_SIZE };
    this.#history = {
      settings: { ...settings, recoveryMs: 5_000, faultsEndedAt: 0, endedAt: 0 },
      ...{ births: [], holds: [], places: [], retirements: [], hops: [], arrivals: [] },
      ...{ unheardLeases: 0, samples: [], workers: [] },
      end: { sessions: [], counts: { living: 0, leased: 0, places: 0, dead: 0 } },
    };
  }

  run(): History {
    const random = this.#random;
    for (let step = 0; step < 150; step++) {
      this.#now += 1 + random.below(150);
      this.#settle();
      const held = this.#sessions.filter(({ hold }) => hold !== undefined && hold.heardAt < this.#now - 10);
      const dice = random.below(100);
      if (dice < 40 || held.length === 0) this.#lease();
      else if (dice < 70) this.#release(random.pick(held));
      else if (dice < 80) this.#renew(random.pick(held));
      else if (dice < 95) this.#hop(random.pick(held));
      else this.#retire(random.pick(this.#sessions));
      const living = this.#sessions.filter(({ death }) => death === undefined).length;
      this.#history.samples.push({ at: this.#now, living, places: 0 });
    }
    return this.#end();
  }

  /** What time brings: leases run out and are a use, the old and the used up die. */
  #settle(): void {
    for (const session of this.#sessions) {
      if (session.leasedUntil !== undefined && session.leasedUntil <= this.#now) {
        session.usageCount += 1;
        session.isRecovered = true;
        this.#free(session);
      }
      const { expiresAt, leasedUntil, death } = session;
      if (expiresAt !== null && expiresAt <= this.#now && leasedUntil === undefined && !death)
        session.death = { status: 'expired', reason: 'expired' };
    }
  }

  #free(session: ModelSession): void {
    session.leasedUntil = undefined;
    session.hold = undefined;
    const { usageCount, maxUsageCount } = session;
    if (session.isOrdered) session.death ??= { status: 'retired', reason: 'ordered' };
    else if (maxUsageCount !== null && usageCount >= maxUsageCount)
      session.death ??= { status: 'used-up', reason: 'used-up' };
  }

  #lease(): void {
    const site = this.#random.percent(50) ? this.#random.pick(SITES) : undefined;
    const free = this.#sessions.filter((session) => this.#isFree(session, site));
    if (free.length > 0) this.#give(this.#random.pick(free), site);
    else if (this.#sessions.filter(({ death }) => !death).length < MAX_POOL_SIZE) this.#create(site);
  }

  #isFree({ death, leasedUntil, restsUntil, blockedUntil }: ModelSession, site: string | undefined): boolean {
    const blocked = site === undefined ? 0 : (blockedUntil.get(site) ?? 0);
    return !death && leasedUntil === undefined && restsUntil <= this.#now && blocked <= this.#now;
  }

  #give(session: ModelSession, site: string | undefined, isHeard = !this.#random.percent(10)): void {
    session.fence += 1;
    session.leasedUntil = this.#now + LEASE_MS;
    const { askedAt, heardAt } = this.#call();
    if (isHeard) {
      const { id, fence, usageCount, maxUsageCount, expiresAt, mark } = session;
      const expiresInMs = expiresAt === null ? null : expiresAt - this.#now;
      session.hold = {
        ...{ id, fence, usageCount, maxUsageCount, expiresInMs, mark, askedAt, heardAt, site },
        ...{ worker: 'w', leasedFrom: askedAt, isBirth: false, recovered: session.isRecovered },
        ...{ renewals: [], releases: [] },
      };
      this.#history.holds.push(session.hold);
    } else this.#history.unheardLeases += 1;
    session.isRecovered = false;
  }

  #create(site: string | undefined): void {
    const maxUsageCount = this.#random.pick([null, 2, 6]);
    const expiresInMs = this.#random.pick([null, null, 3_000]);
    const session: ModelSession = {
      ...{ id: `s${++this.#ids}`, fence: 0, usageCount: 0, maxUsageCount, mark: 0, isRecovered: false },
      expiresAt: expiresInMs === null ? null : this.#now + expiresInMs,
      ...{ restsUntil: 0, blockedUntil: new Map(), death: undefined, isOrdered: false },
      ...{ leasedUntil: undefined, hold: undefined },
    };
    this.#sessions.push(session);
    const isHeard = !this.#random.percent(10);
    this.#give(session, site, isHeard);
    if (session.hold) session.hold.isBirth = true;
    const { id } = session;
    const outcome = isHeard ? 'known' : 'unknown';
    this.#history.births.push({
      ...{ id, usageCount: 0, maxUsageCount, expiresInMs, outcome, fence: isHeard ? 1 : 0 },
      askedAt: session.hold?.askedAt ?? this.#now - 5,
    });
  }

  #release(session: ModelSession): void {
    const random = this.#random;
    const hold = session.hold!;
    const { askedAt, heardAt } = this.#call();
    const isReturned = random.percent(10);
    const blocks = random.percent(20) ? [{ site: random.pick(SITES), ms: random.pick([null, 0, 700]) }] : [];
    const change: Release['change'] = isReturned
      ? null
      : {
          usageCount: hold.usageCount + 1,
          status: random.percent(5) ? 'retired' : 'usable',
          restMs: random.percent(20) ? 300 : 0,
          blocks,
          mark: hold.fence,
        };
    // The request never arrived, or the answer did not.
    const isLost = random.percent(5);
    const isHeard = !isLost && !random.percent(10);
    const isOrdered = session.isOrdered && change?.status !== 'retired';
    const outcome = !isHeard ? 'unknown' : isOrdered ? 'ordered' : 'released';
    hold.releases.push({ askedAt, heardAt: isHeard ? heardAt : undefined, outcome, change });
    // Nobody tries again, and nobody uses it any more.
    session.hold = undefined;
    if (!isLost) this.#written(session, change);
  }

  #written(session: ModelSession, change: Release['change']): void {
    if (change !== null) {
      session.usageCount = change.usageCount;
      session.mark = change.mark!;
      session.restsUntil = change.restMs > 0 ? this.#now + change.restMs : 0;
      for (const { site, ms } of change.blocks) {
        const until = ms === null ? Number.POSITIVE_INFINITY : this.#now + ms;
        const before = ms === 0 ? 0 : (session.blockedUntil.get(site) ?? 0);
        session.blockedUntil.set(site, Math.max(before, until));
      }
      if (change.status === 'retired') session.death = { status: 'retired', reason: 'worn out' };
    }
    this.#free(session);
  }

  #renew({ hold, leasedUntil, ...session }: ModelSession): void {
    const { askedAt, heardAt } = this.#call();
    const isHeard = !this.#random.percent(20);
    hold!.renewals.push(
      isHeard ? { askedAt, heardAt, outcome: 'held' } : { askedAt, heardAt: undefined, outcome: 'unknown' },
    );
    const renewed = this.#sessions.find(({ id }) => id === session.id)!;
    renewed.leasedUntil = Math.max(leasedUntil!, this.#now + LEASE_MS);
  }

  /** As far as the holder knows that it may. */
  #hop({ hold }: ModelSession): void {
    const { leasedFrom, renewals, worker, id, fence } = hold!;
    const heard = renewals.filter((one) => one.heardAt !== undefined && one.heardAt < this.#now);
    const from = Math.max(leasedFrom, ...heard.map(({ askedAt }) => askedAt));
    if (this.#now >= from + LEASE_MS - MARGIN_MS) return;
    const hop = `h${this.#history.hops.length}`;
    this.#history.hops.push({ hop, worker, id, fence, startedAt: this.#now, isAnswered: true });
    this.#history.arrivals.push({ hop, at: this.#now + 0.5 });
  }

  #retire(session: ModelSession): void {
    const { askedAt, heardAt } = this.#call();
    const reached = session.death ? 0 : 1;
    const isHeard = !this.#random.percent(20);
    this.#history.retirements.push(
      isHeard
        ? { id: session.id, askedAt, heardAt, reached }
        : { id: session.id, askedAt, heardAt: undefined, reached: 0 },
    );
    if (reached === 0) return;
    session.isOrdered = true;
    if (session.leasedUntil === undefined) session.death = { status: 'retired', reason: 'ordered' };
  }

  /** Each that lives is leased once more, and given back as it was. */
  #end(): History {
    this.#now += 2 * LEASE_MS;
    this.#settle();
    for (const session of this.#sessions) {
      if (!this.#isFree(session, undefined)) continue;
      this.#give(session, undefined, true);
      const askedAt = this.#now + 1;
      session.hold!.releases.push({ askedAt, heardAt: askedAt + 1, outcome: 'released', change: null });
      this.#free(session);
      this.#now += 50;
      this.#settle();
    }
    const dead = this.#sessions.filter(({ death }) => death !== undefined).length;
    this.#history.end = {
      sessions: this.#sessions.map(({ id, death, usageCount, mark }) => ({
        ...{ id, usageCount, mark },
        ...{
          status: death?.status ?? 'usable',
          reason: death?.reason ?? null,
          state: death ? 'dead' : 'ready',
        },
      })),
      counts: { living: this.#sessions.length - dead, leased: 0, places: 0, dead },
    };
    this.#history.settings.endedAt = this.#now;
    const worker = { complaint: '', unexpected: [], startedAt: 0 };
    this.#history.workers = [
      { ...worker, worker: 'w', end: 'told', firstReleaseAfterFaults: 1_000 },
      { ...worker, worker: 'x', end: 'killed', firstReleaseAfterFaults: undefined },
    ];
    return this.#history;
  }

  /** A call takes its time on the way there and back. */
  #call(): { askedAt: number; heardAt: number } {
    return { askedAt: this.#now - this.#random.below(5), heardAt: this.#now + this.#random.below(5) };
  }
}
