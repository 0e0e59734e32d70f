import type { Hold, Hop, Place, Release, Retirement, SessionBirth } from './history.ts';
import type { Answer, Line, Request } from './log.ts';

/** What the log of one process tells, put together call by call. */
export interface WorkerHistory {
  births: SessionBirth[];
  holds: Hold[];
  places: Place[];
  retirements: Retirement[];
  hops: Hop[];
  unheardLeases: number;
  /** When it first asked for something. */
  startedAt: number;
  /** When it heard that a session was given back. */
  releasedAt: number[];
  unexpected: string[];
}

interface OpenCall {
  at: number;
  request: Request;
}

interface OpenPlace {
  place: Place;
  leasedFrom: number;
  site: string | undefined;
  /** It was asked to be a session, or to be free. */
  isEnded: boolean;
  /** The lease of the session that was made in it. */
  hold: Hold | undefined;
}

/** Errors by which a store says that nothing was done; after any other it may have been. */
const NOT_DONE = new Set(['STORE_BUSY', 'STORE_CLOSED']);

export function assemble(worker: string, lines: readonly Line[]): WorkerHistory {
  const assembly = new Assembly(worker);
  for (const line of lines) assembly.take(line);
  return assembly.finish();
}

class Assembly {
  readonly #worker: string;
  readonly #calls = new Map<number, OpenCall>();
  readonly #holds = new Map<string, Hold>();
  readonly #places = new Map<string, OpenPlace>();
  readonly #hops = new Map<string, Hop>();
  readonly #history: WorkerHistory = {
    births: [],
    holds: [],
    places: [],
    retirements: [],
    hops: [],
    unheardLeases: 0,
    startedAt: Number.POSITIVE_INFINITY,
    releasedAt: [],
    unexpected: [],
  };

  constructor(worker: string) {
    this.#worker = worker;
  }

  take(line: Line): void {
    this.#history.startedAt = Math.min(this.#history.startedAt, line.at);
    if (line.step === 'asked') this.#calls.set(line.call, line);
    else if (line.step === 'answered' || line.step === 'failed') {
      const call = this.#calls.get(line.call)!;
      this.#calls.delete(line.call);
      if (line.step === 'answered') this.#heard(call, line.at, line.answer);
      else if (!NOT_DONE.has(line.code)) this.#unheard(call);
    } else if (line.step === 'hop') {
      const { hop, id, fence, at } = line;
      const begun = { hop, id, fence, worker: this.#worker, startedAt: at, isAnswered: false };
      this.#hops.set(hop, begun);
      this.#history.hops.push(begun);
    } else if (line.step === 'hopped') this.#hops.get(line.hop)!.isAnswered = line.isAnswered;
    else this.#history.unexpected.push(line.message);
  }

  /** What it had asked when it ended: nobody heard the answers. */
  finish(): WorkerHistory {
    for (const call of this.#calls.values()) this.#unheard(call);
    return this.#history;
  }

  #heard({ at: askedAt, request }: OpenCall, heardAt: number, answer: Answer): void {
    if (request.kind === 'lease' && answer.kind === 'leased') {
      const hold = { ...answer.lease, askedAt, heardAt, leasedFrom: askedAt, site: request.site };
      this.#hold({ ...hold, worker: this.#worker, isBirth: false, renewals: [], releases: [] });
    } else if (request.kind === 'lease' && answer.kind === 'vacant') {
      const place = { heardAt, surelyUntil: askedAt + request.leaseMs };
      const open = { place, leasedFrom: askedAt, site: request.site, isEnded: false, hold: undefined };
      this.#places.set(answer.place, open);
      this.#history.places.push(place);
    } else if (request.kind === 'create' && answer.kind === 'created') {
      // It was asked again, having had no answer, and both came in the end: it was made once.
      if (!this.#holds.has(keyOf(request.session.id, answer.fence)))
        this.#created(request, answer.fence, askedAt, heardAt);
    } else if (request.kind === 'add' && answer.kind === 'added' && answer.isAdded) {
      for (const session of request.sessions)
        this.#history.births.push({ ...session, outcome: 'known', fence: 0, askedAt });
    } else if (request.kind === 'renew' && answer.kind === 'renewed') {
      for (const [index, lease] of request.leases.entries())
        this.#renewed(lease, request.leaseMs, askedAt, heardAt, answer.outcomes[index]!);
    } else if (request.kind === 'release' && answer.kind === 'released') {
      const isDone = this.#released(request, askedAt, heardAt, answer.result);
      if (isDone && answer.result !== 'lost') this.#history.releasedAt.push(heardAt);
    } else if (request.kind === 'retire' && answer.kind === 'ordered') {
      this.#history.retirements.push({ id: request.id, askedAt, heardAt, reached: answer.reached });
    }
  }

  #unheard({ at: askedAt, request }: OpenCall): void {
    const { births, retirements } = this.#history;
    if (request.kind === 'lease') this.#history.unheardLeases += 1;
    else if (request.kind === 'create') {
      this.#endPlace(request.place, askedAt);
      this.#history.unheardLeases += 1;
      this.#born({ ...request.session, outcome: 'unknown', fence: 0, askedAt });
    } else if (request.kind === 'add') {
      for (const session of request.sessions)
        births.push({ ...session, outcome: 'unknown', fence: 0, askedAt });
    } else if (request.kind === 'release') this.#released(request, askedAt, undefined, 'unknown');
    else if (request.kind === 'retire')
      retirements.push({ id: request.id, askedAt, heardAt: undefined, reached: 0 });
    else
      for (const { id, fence } of request.leases)
        this.#holds.get(keyOf(id, fence))?.renewals.push({ askedAt, heardAt: undefined, outcome: 'unknown' });
  }

  #created(
    { place: id, session }: Extract<Request, { kind: 'create' }>,
    fence: number,
    askedAt: number,
    heardAt: number,
  ): void {
    const place = this.#places.get(id);
    this.#endPlace(id, askedAt);
    this.#born({ ...session, outcome: 'known', fence, askedAt });
    const hold: Hold = {
      ...session,
      ...{ worker: this.#worker, fence, askedAt, heardAt, isBirth: true, recovered: false, mark: 0 },
      leasedFrom: place?.leasedFrom ?? askedAt,
      site: place?.site,
      renewals: [],
      releases: [],
    };
    if (place) place.hold = hold;
    this.#hold(hold);
  }

  /** Once, however often it was asked for. */
  #born(birth: SessionBirth): void {
    const { births } = this.#history;
    const known = births.findIndex(({ id }) => id === birth.id);
    if (known < 0) births.push(birth);
    else if (birth.outcome === 'known') births[known] = birth;
  }

  #hold(hold: Hold): void {
    this.#holds.set(keyOf(hold.id, hold.fence), hold);
    this.#history.holds.push(hold);
  }

  #renewed(
    { id, fence }: { id: string; fence: number },
    leaseMs: number,
    askedAt: number,
    heardAt: number,
    outcome: 'held' | 'lost',
  ): void {
    const open = this.#places.get(id);
    if (open && outcome === 'held') {
      open.leasedFrom = askedAt;
      // The answers of a renewal and of a creation may overtake each other: it was a place when it was renewed, and the session
      // has its lease.
      if (!open.isEnded) open.place.surelyUntil = askedAt + leaseMs;
      open.hold?.renewals.push({ askedAt, heardAt, outcome });
    }
    this.#holds.get(keyOf(id, fence))?.renewals.push({ askedAt, heardAt, outcome });
  }

  /** Answers whether it was a session, and not a place. */
  #released(
    { id, fence, change }: Extract<Request, { kind: 'release' }>,
    askedAt: number,
    heardAt: number | undefined,
    outcome: Release['outcome'],
  ): boolean {
    this.#endPlace(id, askedAt);
    const hold = this.#holds.get(keyOf(id, fence));
    hold?.releases.push({ askedAt, heardAt, outcome, change });
    return hold !== undefined;
  }

  #endPlace(id: string, at: number): void {
    const open = this.#places.get(id);
    if (!open) return;
    open.isEnded = true;
    open.place.surelyUntil = Math.min(open.place.surelyUntil, at);
  }
}

function keyOf(id: string, fence: number): string {
  return `${id} ${fence}`;
}
