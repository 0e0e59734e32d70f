import type { LeasedResult, LeaseRequest, LeaseResult } from '../store.ts';
import { canBeStored } from './checks.ts';
import type { Database } from './database.ts';
import { Gathering, type Waiting } from './gather.ts';
import { type Moment, msUntil, nowOf, ticksOf } from './server-time.ts';
import { placeLease, sessionLease } from './tokens.ts';
import type { Work } from './work.ts';

/** Statements for single leases under way at once. */
const SINGLES = 2;
/** A site where the first in the queue did not suit so often is asked for singly, for so long. */
const MIN_TRIES = 8;
const SINGLY_MS = 2000;
const MAX_SITES = 1000;
/** Who cannot be told for sure that nobody ever comes asks again after so long. */
const UNSURE_MS = 1000;

interface LeaseCall extends Waiting<LeaseResult> {
  readonly request: LeaseRequest;
  /** Those with the same key ask for the same. */
  key: string;
}

/** Leases: the ordinary together, the others one by one. */
export class LeaseCalls {
  readonly #work: Work;
  readonly #run: ReturnType<Database['lane']>;
  readonly #together = new Gathering<LeaseCall>(
    (calls) => this.#leaseMany(calls),
    (first, { request: { rotation, leaseMs, holder } }) =>
      rotation === first.request.rotation &&
      leaseMs === first.request.leaseMs &&
      holder === first.request.holder,
  );
  #singles: LeaseCall[] = [];
  #singlesUnderWay = 0;
  /** How the front of the queue suited those who asked for a site. */
  readonly #fits = new Map<string, { tried: number; failed: number; singlyUntil: number }>();

  constructor(work: Work) {
    this.#work = work;
    this.#run = work.database.lane();
  }

  lease(request: LeaseRequest): Promise<LeaseResult> {
    return new Promise((resolve, reject) => {
      const call = { request, key: '', resolve, reject };
      if (this.#isOrdinary(request)) this.#together.add(call);
      else this.#addSingle(call);
    });
  }

  #isOrdinary({ id, rotation, fill, limit, site }: LeaseRequest): boolean {
    if (id !== undefined || rotation === 'random' || (fill === 'first' && limit !== undefined)) return false;
    const fits = site === undefined ? undefined : this.#fits.get(site);
    return fits === undefined || fits.singlyUntil < performance.now();
  }

  async #leaseMany(calls: readonly LeaseCall[]): Promise<void> {
    const work = this.#work;
    const { leaseMs, holder, rotation } = calls[0]!.request;
    const isNewest = rotation === 'use-until-failure';
    await work.fronts.learn();
    const moment = work.time.moment(calls.length);
    work.fronts.willEnd(leaseMs);
    const rows = await this.#run(isNewest ? work.sql.leaseNewest : work.sql.leaseMany, [
      moment,
      isNewest ? 0 : work.fronts.begin(),
      work.fronts.isEndedDue(moment) ? work.fronts.held : null,
      ticksOf(leaseMs),
      holder,
      calls.map(({ request }) => request.site ?? null),
    ]);
    const served = new Set<LeaseCall>();
    let front: number | undefined;
    let lowestUnfit = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      const [number, tick, , due, ...session] = row as [number, number, unknown, number, ...unknown[]];
      const call = calls[number - 1]!;
      const isServed = session[0] !== null;
      if (call.request.site !== undefined) this.#tried(call.request.site, isServed);
      if (isServed) {
        served.add(call);
        front = Math.max(front ?? 0, due);
        call.resolve(toLeased(session, moment, tick));
      } else {
        lowestUnfit = Math.min(lowestUnfit, due);
      }
    }
    if (rows.length > 0) {
      const [, tick, ended] = rows[0] as [number, number, number | null];
      if (lowestUnfit !== Number.POSITIVE_INFINITY) front = lowestUnfit;
      work.fronts.saw(tick, isNewest ? undefined : front, ended);
    }
    for (const call of calls) if (!served.has(call)) this.#addSingle(call);
  }

  #tried(site: string, isServed: boolean): void {
    const fits = this.#fits.get(site);
    if (fits === undefined) {
      if (isServed) return;
      if (this.#fits.size >= MAX_SITES) this.#fits.delete(this.#fits.keys().next().value!);
      this.#fits.set(site, { tried: 1, failed: 1, singlyUntil: 0 });
      return;
    }
    fits.tried++;
    if (!isServed) fits.failed++;
    if (fits.tried < MIN_TRIES) return;
    if (fits.failed * 2 > fits.tried) fits.singlyUntil = performance.now() + SINGLY_MS;
    if (fits.failed === 0) this.#fits.delete(site);
    else Object.assign(fits, { tried: 0, failed: 0 });
  }

  #addSingle(call: LeaseCall): void {
    const { rotation, fill, leaseMs, holder, id, site, limit } = call.request;
    call.key = JSON.stringify([rotation, fill, leaseMs, holder, id, site, limit]);
    this.#singles.push(call);
    if (this.#singlesUnderWay < SINGLES) void this.#leaseSingles();
  }

  async #leaseSingles(): Promise<void> {
    this.#singlesUnderWay++;
    for (let call = this.#singles.shift(); call !== undefined; call = this.#singles.shift()) {
      const before = this.#singles.filter(({ key }) => key === call!.key);
      try {
        const result = await this.#leaseOne(call.request);
        call.resolve(result);
        if (result.kind === 'none') this.#tellAll(before, (other) => other.resolve(result));
      } catch (error) {
        call.reject(error);
        this.#tellAll(before, (other) => other.reject(error));
      }
    }
    this.#singlesUnderWay--;
  }

  /** Those who asked for the same before the answer was sought would hear the same. */
  #tellAll(calls: readonly LeaseCall[], tell: (call: LeaseCall) => void): void {
    const waiting = new Set(this.#singles);
    const told = new Set(calls.filter((call) => waiting.has(call)));
    if (told.size === 0) return;
    this.#singles = this.#singles.filter((call) => !told.has(call));
    for (const call of told) tell(call);
  }

  async #leaseOne(request: LeaseRequest, isLast = false): Promise<LeaseResult> {
    const { database, sql, time, blocked, fronts } = this.#work;
    const { rotation, fill, leaseMs, holder, id, site, limit } = request;
    if (id !== undefined && !canBeStored(id)) return { kind: 'none', retryInMs: null };
    await fronts.learn();
    const moment = time.moment();
    const from = fronts.begin();
    const firstEnd = fronts.firstEnd(moment);
    const startedAt = performance.now();
    fronts.willEnd(leaseMs);
    const [row] = await database.run(sql.leaseOne, [
      moment,
      from,
      fronts.held,
      site === undefined ? [] : blocked.known(site, moment),
      [-1, -1],
      rotation,
      fill === 'first' && limit !== undefined,
      ticksOf(leaseMs),
      holder,
      id ?? null,
      site ?? null,
      limit ?? null,
      fronts.isEndedDue(moment),
      firstEnd,
    ]);
    const [kind, tick, ended, retryAt, walked, , , due, ...session] = row as [
      LeaseResult['kind'],
      number,
      number | null,
      number | null,
      number[] | null,
      unknown,
      unknown,
      number | null,
      ...unknown[],
    ];
    fronts.saw(tick, undefined, ended);
    if (site !== undefined && walked !== null) blocked.walked(site, moment, tick, walked);
    switch (kind) {
      case 'again':
        return { kind };
      case 'vacant':
        return { kind, lease: placeLease(session[1] as string), now: nowOf(moment, tick) };
      case 'leased':
        return toLeased(session, moment, tick);
      case 'none': {
        if (due !== null) fronts.sawFirstEnd(firstEnd, due, startedAt);
        if (retryAt !== null) return { kind, retryInMs: msUntil(retryAt, moment, tick) };
        // That nobody ever comes is not said by a hint.
        if (from === 0 || id !== undefined || isLast) return { kind, retryInMs: null };
        if ((await fronts.lookBehind()) === 'too far') return { kind, retryInMs: UNSURE_MS };
        return this.#leaseOne(request, true);
      }
    }
  }
}

function toLeased(columns: readonly unknown[], moment: Moment, tick: number): LeasedResult {
  const [sid, token, fence, uses, maxUses, score, expires, recovered, id, created, key, tag, body, place] =
    columns as [
      number,
      string,
      number,
      number,
      number | null,
      number,
      number | null,
      boolean,
      string,
      number,
      string | null,
      string | null,
      string,
      string,
    ];
  return {
    kind: 'leased',
    lease: sessionLease(id, sid, token, fence, place),
    session: {
      id,
      createdAt: created,
      expiresAt: expires,
      usageCount: uses,
      maxUsageCount: maxUses,
      errorScore: score,
      status: 'usable',
      reason: null,
      key,
      tag,
      body,
    },
    recovered,
    now: nowOf(moment, tick),
  };
}
