import type { History, Hold, Release } from './history.ts';
import { bySession, CLOCKS_DIFFER_MS, carriedOut, runsOutAt, surelyHeldUntil } from './rules/windows.ts';

/** A fault that is put into a history without one, and the rule that must find it. */
export interface PlantedFault {
  name: string;
  rule: string;
  /** Answers where it was put; `undefined` where the history has no place for it. */
  plant(history: History): string | undefined;
}

export const plantedFaults: PlantedFault[] = [
  {
    name: 'two holders for 1 ms, before a release was asked for',
    rule: 'one holder',
    plant: (history) =>
      inPair(
        history,
        ({ releases }) => releases.length > 0,
        ([hold, next]) => {
          heardAt(next, surelyHeldUntil(hold, history.settings.leaseMs) - 1);
        },
      ),
  },
  {
    name: 'two holders for 1 ms, before a lease ran out',
    rule: 'one holder',
    plant: (history) =>
      inPair(
        history,
        ({ releases }) => releases.length === 0,
        ([hold, next]) => {
          heardAt(next, runsOutAt(hold, history.settings.leaseMs) - CLOCKS_DIFFER_MS - 1);
        },
      ),
  },
  {
    name: 'two holders, because a renewal was not kept',
    rule: 'one holder',
    plant: (history) =>
      inPair(
        history,
        ({ releases }) => releases.length === 0,
        ([hold, next]) => {
          hold.renewals.push({ askedAt: next.heardAt - 10, heardAt: next.heardAt - 5, outcome: 'held' });
        },
      ),
  },
  {
    name: 'a fence given twice',
    rule: 'fences grow',
    plant: (history) =>
      inPair(history, anyHold, ([hold, next]) => {
        next.fence = hold.fence;
      }),
  },
  {
    name: 'a fence that shrank',
    rule: 'fences grow',
    plant: (history) =>
      inPair(
        history,
        ({ heardAt }, next) => heardAt < next.askedAt,
        ([hold, next]) => {
          [hold.fence, next.fence] = [next.fence, hold.fence];
        },
      ),
  },
  {
    name: 'an acknowledged release that was forgotten',
    rule: 'counts',
    plant: (history) =>
      inPair(history, isMarkedRelease, ([hold, next]) => {
        next.usageCount = hold.usageCount + (next.fence - hold.fence - 1);
        next.mark = hold.mark;
      }),
  },
  {
    name: 'user data of an acknowledged release that were not written',
    rule: 'counts',
    plant: (history) =>
      inPair(history, isMarkedRelease, ([hold, next]) => {
        next.mark = hold.mark;
      }),
  },
  {
    name: 'a use counted twice',
    rule: 'counts',
    plant: (history) =>
      inPair(history, isSure, ([, next]) => {
        next.usageCount += 1;
      }),
  },
  {
    name: 'a lease that ran out and was not counted',
    rule: 'counts',
    plant: (history) =>
      inPair(
        history,
        ({ releases }) => releases.length === 0,
        ([, next]) => {
          next.usageCount -= 1;
        },
      ),
  },
  {
    name: 'a lease that ran out, of which the next holder was not told',
    rule: 'counts',
    plant: (history) =>
      inPair(
        history,
        ({ releases }) => releases.length === 0,
        ([, next]) => {
          next.recovered = false;
        },
      ),
  },
  {
    name: 'a release that counts two uses',
    rule: 'counts',
    plant: (history) =>
      inPair(history, isMarkedRelease, ([hold]) => {
        carriedOut(hold)!.change!.usageCount += 1;
      }),
  },
  {
    name: 'a last use that is missing in the end',
    rule: 'counts',
    plant: ({ end }) =>
      at(
        end.sessions.find(({ status, usageCount }) => status === 'usable' && usageCount > 0),
        (session) => {
          session.usageCount -= 1;
        },
      ),
  },
  {
    name: 'a last use that is missing of one who died of it',
    rule: 'counts',
    plant: ({ end }) =>
      at(
        end.sessions.find(({ reason }) => reason === 'worn out'),
        (session) => {
          session.usageCount -= 1;
        },
      ),
  },
  {
    name: 'a use too many in the end',
    rule: 'counts',
    plant: ({ end }) =>
      at(
        end.sessions.find(({ status }) => status === 'usable'),
        (session) => {
          session.usageCount += 1;
        },
      ),
  },
  {
    name: 'leases to nobody that no lost answer explains',
    rule: 'no lease to nobody',
    plant: (history) =>
      inPair(history, anyHold, ([hold]) => {
        const later = history.holds.filter(({ id, fence }) => id === hold.id && fence > hold.fence);
        for (const one of later) one.fence += history.unheardLeases + 1;
      }),
  },
  {
    name: 'one living session too many',
    rule: 'the limit',
    plant: ({ samples, settings }) =>
      at(samples.at(-1), (sample) => {
        sample.places = settings.maxPoolSize + 1 - sample.living;
      }),
  },
  {
    name: 'one more held at once than there may be',
    rule: 'the limit',
    plant: ({ places, settings }) => {
      for (let place = 0; place <= settings.maxPoolSize; place++)
        places.push({ heardAt: 500, surelyUntil: 501 });
      return 'places';
    },
  },
  {
    name: 'a used-up session leased',
    rule: 'only the eligible',
    plant: ({ holds }) =>
      at(
        holds.find(({ usageCount }) => usageCount > 0),
        (hold) => {
          hold.maxUsageCount = hold.usageCount;
        },
      ),
  },
  {
    name: 'an expired session leased',
    rule: 'only the eligible',
    plant: ({ holds }) =>
      at(
        holds.find(({ isBirth }) => !isBirth),
        (hold) => {
          hold.expiresInMs = 0;
        },
      ),
  },
  {
    name: 'a session leased for a site that it is banned from',
    rule: 'only the eligible',
    plant: (history) =>
      inPair(history, isMarkedRelease, ([hold, next]) => {
        carriedOut(hold)!.change!.blocks = [{ site: 'banned', ms: null }];
        next.site = 'banned';
      }),
  },
  {
    name: 'a session leased for a site where it rests for 1 ms more',
    rule: 'only the eligible',
    plant: (history) =>
      inPair(history, isMarkedRelease, ([hold, next]) => {
        const { change, askedAt } = carriedOut(hold)!;
        change!.blocks = [{ site: 'busy', ms: next.heardAt - askedAt + CLOCKS_DIFFER_MS + 1 }];
        next.site = 'busy';
      }),
  },
  {
    name: 'a session leased that rests for 1 ms more',
    rule: 'only the eligible',
    plant: (history) =>
      inPair(history, isMarkedRelease, ([hold, next]) => {
        const { change, askedAt } = carriedOut(hold)!;
        change!.restMs = next.heardAt - askedAt + CLOCKS_DIFFER_MS + 1;
      }),
  },
  {
    name: 'a dead session leased',
    rule: 'only the eligible',
    plant: (history) =>
      inPair(history, isMarkedRelease, ([hold]) => {
        carriedOut(hold)!.change!.status = 'blocked';
      }),
  },
  {
    name: 'a session leased after it was ordered to retire',
    rule: 'only the eligible',
    plant: (history) =>
      inPair(history, anyHold, ([, { id, askedAt }]) => {
        history.retirements.push({ id, askedAt: askedAt - 2, heardAt: askedAt - 1, reached: 1 });
      }),
  },
  {
    name: 'a hop that began 2 ms after the last permitted moment',
    rule: 'no hop after the lease',
    plant: (history) => {
      const hop = history.hops[0];
      const hold = history.holds.find(({ id, fence }) => id === hop?.id && fence === hop.fence);
      if (hop === undefined || hold === undefined) return undefined;
      hold.renewals = [];
      const { leaseMs, marginMs } = history.settings;
      hop.startedAt = runsOutAt(hold, leaseMs) - marginMs + 2;
      return hop.hop;
    },
  },
  {
    name: 'a holder that comes to the site after the next one',
    rule: 'one holder at the site',
    plant: (history) => {
      const { hops, arrivals } = history;
      const first = hops.find(({ id, fence }) => hops.some((hop) => hop.id === id && hop.fence > fence));
      if (first === undefined) return undefined;
      const last = hops.findLast(({ id, fence }) => id === first.id && fence > first.fence)!;
      const arrival = arrivals.find(({ hop }) => hop === first.hop)!;
      arrival.at = arrivals.find(({ hop }) => hop === last.hop)!.at + 0.1;
      first.startedAt = arrival.at - 1;
      return first.hop;
    },
  },
  {
    name: 'a visitor that nobody sent',
    rule: 'no hop without a lease',
    plant: ({ arrivals }) => {
      arrivals.push({ hop: 'unknown', at: 500 });
      return 'unknown';
    },
  },
  {
    name: 'a hop without a lease',
    rule: 'no hop without a lease',
    plant: ({ hops }) =>
      at(hops[0], (hop) => {
        hop.fence += 1_000;
      }),
  },
  {
    name: 'a session that is gone',
    rule: 'nobody is lost',
    plant: (history) => {
      const known = history.births.find(({ outcome }) => outcome === 'known');
      history.end.sessions = history.end.sessions.filter(({ id }) => id !== known?.id);
      return known?.id;
    },
  },
  {
    name: 'a session that came from nowhere',
    rule: 'nobody is lost',
    plant: ({ births }) => births.shift()?.id,
  },
  {
    name: 'a session that is dead and should not be',
    rule: 'fates',
    plant: ({ end }) =>
      at(
        end.sessions.find(({ status }) => status === 'usable'),
        (session) => {
          session.status = 'blocked';
          session.state = 'dead';
        },
      ),
  },
  {
    name: 'a session that expired 10 ms too early',
    rule: 'fates',
    plant: ({ end, births, settings }) =>
      at(
        end.sessions.find(({ status }) => status === 'expired'),
        ({ id }) => {
          const birth = births.find((one) => one.id === id)!;
          birth.expiresInMs = settings.endedAt - birth.askedAt + 10;
        },
      ),
  },
  {
    name: 'a session that lives although it was given back as dead',
    rule: 'fates',
    plant: ({ end, holds }) => {
      const last = holds.find((hold) => carriedOut(hold)?.change?.status === 'retired');
      return at(
        end.sessions.find(({ id }) => id === last?.id),
        (session) => {
          session.status = 'usable';
        },
      );
    },
  },
  {
    name: 'a session that lives although it was ordered to retire',
    rule: 'fates',
    plant: ({ end, retirements }) => {
      const order = retirements.find(({ reached }) => reached > 0);
      return at(
        end.sessions.find(({ id }) => id === order?.id),
        (session) => {
          session.status = 'usable';
        },
      );
    },
  },
  ...(['living', 'leased', 'places', 'dead'] as const).map((name) => ({
    name: `a counter of the ${name} that is one too high`,
    rule: 'counters',
    plant: ({ end }: History) => {
      end.counts[name] += 1;
      return name;
    },
  })),
  {
    name: 'a worker that died by itself',
    rule: 'workers live',
    plant: ({ workers }) =>
      at(workers[0], (worker) => {
        worker.end = 'by itself';
      }),
  },
  {
    name: 'a worker that does not end when it is told to',
    rule: 'workers live',
    plant: ({ workers }) =>
      at(workers[0], (worker) => {
        worker.end = 'had to be killed';
      }),
  },
  {
    name: 'an error that is not clear',
    rule: 'clear errors',
    plant: ({ workers }) =>
      at(workers[0], (worker) => {
        worker.unexpected.push('ECONNRESET');
      }),
  },
  {
    name: 'a worker that gets no session after the faults',
    rule: 'the pool goes on',
    plant: ({ workers }) =>
      at(workers[0], (worker) => {
        worker.firstReleaseAfterFaults = undefined;
      }),
  },
  {
    name: 'a worker that gets a session 1 ms too late',
    rule: 'the pool goes on',
    plant: ({ workers, settings }) =>
      at(workers[0], (worker) => {
        worker.firstReleaseAfterFaults = settings.faultsEndedAt + settings.recoveryMs + 1;
      }),
  },
];

const anyHold = () => true;

/** What its lease left behind is known for certain. */
function isSure(hold: Hold): boolean {
  return hold.releases.length === 0 || carriedOut(hold) !== undefined;
}

function isMarkedRelease(hold: Hold): boolean {
  const release: Release | undefined = carriedOut(hold);
  return release?.outcome === 'released' && release.change !== null;
}

/** Puts the fault between a lease and the next one of the same session. */
function inPair(
  { holds }: History,
  isFitting: (hold: Hold, next: Hold) => boolean,
  plant: (pair: [Hold, Hold]) => void,
): string | undefined {
  for (const ofOne of bySession(holds).values()) {
    for (const [index, hold] of ofOne.entries()) {
      const next = ofOne[index + 1];
      if (next === undefined || !isFitting(hold, next)) continue;
      plant([hold, next]);
      return `${hold.id} fence ${hold.fence}`;
    }
  }
  return undefined;
}

function at<T extends object>(found: T | undefined, plant: (found: T) => void): string | undefined {
  if (found === undefined) return undefined;
  const where = JSON.stringify(found);
  plant(found);
  return where;
}

/** The lease was heard of at that instant, and asked for a little earlier. */
function heardAt(hold: Hold, instant: number): void {
  hold.heardAt = instant;
  hold.askedAt = Math.min(hold.askedAt, instant - 1);
  hold.leasedFrom = hold.askedAt;
}
