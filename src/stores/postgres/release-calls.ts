import type { Lease, ReleaseChange, ReleaseResult, Renewal, RenewOutcome } from '../store.ts';
import { checkBody, checkIndexed, checkText } from './checks.ts';
import type { Database } from './database.ts';
import { Gathering, type Waiting } from './gather.ts';
import { mostSevere } from './order-calls.ts';
import { STATUSES } from './schema/plpgsql.ts';
import { ticksOf, wholeMs } from './server-time.ts';
import { type HeldLease, heldLease } from './tokens.ts';
import type { Work } from './work.ts';

interface ReleaseCall extends Waiting<ReleaseResult> {
  readonly held: HeldLease & { sid: number };
  readonly change: ReleaseChange | null;
  readonly isRepeat: boolean;
}

interface RenewCall extends Waiting<RenewOutcome> {
  readonly held: HeldLease;
  readonly renewal: Renewal;
}

/** Releases and renewals: the ordinary together, the others one by one. */
export class ReleaseCalls {
  readonly #work: Work;
  readonly #run: ReturnType<Database['lane']>;
  readonly #releases = new Gathering<ReleaseCall>((calls) => this.#releaseMany(calls));
  readonly #renewals = new Gathering<RenewCall>((calls) => this.#renewMany(calls));

  constructor(work: Work) {
    this.#work = work;
    this.#run = work.database.lane();
  }

  async release(lease: Lease, change: ReleaseChange | null, isRepeat: boolean): Promise<ReleaseResult> {
    checkBody(change?.body);
    if (change?.reason != null) checkText(change.reason, 'reason');
    if (change?.tag != null) checkIndexed(change.tag, 'tag');
    for (const { site } of change?.blocks ?? []) checkIndexed(site, 'blocks.site');
    const held = heldLease(lease);
    if (held === undefined) return 'lost';
    if (held.sid === null) return this.#releasePlace(held, isRepeat);
    return new Promise((resolve, reject) => {
      const call = { held: held as ReleaseCall['held'], change, isRepeat, resolve, reject };
      const isOrdinary =
        change === null ||
        (change.status === 'usable' && change.tag === undefined && (change.blocks?.length ?? 0) === 0);
      if (isOrdinary) this.#releases.add(call);
      else void this.#releaseOne(call);
    });
  }

  renew(renewals: readonly Renewal[]): Promise<RenewOutcome[]> {
    for (const { body } of renewals) checkBody(body);
    const outcomes = renewals.map((renewal) => {
      const held = heldLease(renewal.lease);
      if (held === undefined) return { kind: 'lost' } as const;
      return new Promise<RenewOutcome>((resolve, reject) => {
        this.#renewals.add({ held, renewal, resolve, reject });
      });
    });
    return Promise.all(outcomes);
  }

  async #releaseMany(calls: ReleaseCall[]): Promise<void> {
    const { sql, time, blocked, waiters } = this.#work;
    // All who lock several rows do so in one order.
    const sorted = calls.toSorted((one, other) => one.held.sid - other.held.sid);
    const rows = await this.#run(sql.releaseMany, [
      time.moment(sorted.length),
      sorted.map(({ held }) => held.place),
      sorted.map(({ held }) => held.token),
      sorted.map(({ held }) => held.fence),
      sorted.map(({ change }) => change?.usageCount ?? null),
      sorted.map(({ change }) => change?.errorScore ?? null),
      sorted.map(({ change }) => ticksOf(change?.restMs ?? 0)),
      sorted.map(({ change }) => change?.body ?? null),
      waiters.me,
    ]);
    const others = new Set(sorted);
    for (const [number] of rows as [number][]) {
      const call = sorted[number - 1]!;
      others.delete(call);
      call.resolve('released');
    }
    if (rows.length > 0) {
      blocked.freed(rows.map(([, due]) => due as number));
      if (rows[0]![2]) waiters.notify();
    }
    for (const call of others) void this.#releaseOne(call);
  }

  async #releaseOne({ held, change, isRepeat, resolve, reject }: ReleaseCall): Promise<void> {
    const { database, sql, time, blocked, waiters } = this.#work;
    const blocks = change?.blocks ?? [];
    try {
      const [row] = await database.run(sql.releaseOne, [
        time.moment(),
        held.sid,
        held.token,
        held.fence,
        change?.usageCount ?? null,
        change?.errorScore ?? null,
        ticksOf(change?.restMs ?? 0),
        change?.body ?? null,
        STATUSES.indexOf(change?.status ?? 'usable'),
        change?.reason ?? change?.status ?? 'usable',
        blocks.map(({ site }) => site),
        blocks.map(({ ms }) => (ms === null ? null : wholeMs(ms))),
        isRepeat,
        waiters.me,
        change?.tag !== undefined,
        change?.tag ?? null,
      ]);
      const [outcome, due, isAwaited] = row as [ReleaseResult, number | null, boolean];
      if (due !== null) blocked.freed([due]);
      if (isAwaited) waiters.notify();
      resolve(outcome);
    } catch (error) {
      reject(error);
    }
  }

  async #releasePlace(held: HeldLease, isRepeat: boolean): Promise<ReleaseResult> {
    const { database, sql, time } = this.#work;
    const [row] = await database.run(sql.releasePlace, [time.moment(), held.token, isRepeat]);
    this.#work.waiters.notify();
    return row![0] as ReleaseResult;
  }

  async #renewMany(calls: RenewCall[]): Promise<void> {
    const { database, sql, time, fronts } = this.#work;
    const sorted = calls.toSorted((one, other) => (one.held.sid ?? 0) - (other.held.sid ?? 0));
    fronts.willEnd(Math.min(...sorted.map(({ renewal }) => renewal.leaseMs)));
    const rows = await database.run(sql.renewMany, [
      time.moment(),
      sorted.map(({ held }) => held.sid),
      sorted.map(({ held }) => held.token),
      sorted.map(({ held }) => held.fence),
      sorted.map(({ renewal }) => ticksOf(renewal.leaseMs)),
      sorted.map(({ renewal }) => renewal.body ?? null),
    ]);
    for (const [number, orders] of rows as [number, Parameters<typeof mostSevere>[0] | null][]) {
      const order = orders === null ? undefined : mostSevere(orders);
      sorted[number - 1]!.resolve(order === undefined ? { kind: 'held' } : { kind: 'held', order });
    }
    // Has no effect on those that were answered.
    for (const call of sorted) call.resolve({ kind: 'lost' });
  }
}
