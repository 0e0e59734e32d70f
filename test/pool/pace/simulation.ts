import { SitePace } from '../../../src/pool/pace/site-pace.ts';
import { seededRandom } from '../../../src/testing/random.ts';
import type { Limiter } from './limiters.ts';

export interface Scenario {
  readonly perSession?: Limiter;
  readonly perAddress?: Limiter;
  /** How long the site asks those to stay away that it refuses. */
  readonly retryAfterMs?: number;
  readonly pages: number;
  readonly addresses?: number;
  readonly concurrency?: number;
  readonly roundTripMs?: number;
  readonly seed?: number;
  /** Refusals after which a session is of no more use. */
  readonly banAfter?: number;
  readonly forMs?: number;
}

export interface SimulationResult {
  readonly ms: number;
  readonly served: number;
  readonly refused: number;
  readonly sessions: number;
  readonly banned: number;
  /** Served by the second. */
  readonly perSecond: number[];
  readonly pace: SitePace;
}

interface Simulated {
  readonly id: string;
  readonly address: string;
  readyAt: number;
  leased: boolean;
  lastAt: number;
  refusals: number;
}

/** A crowd of users at a site that limits them, in virtual time: a job of so many pages, until all are there. */
export function simulate(scenario: Scenario): SimulationResult {
  const {
    pages,
    addresses = 8,
    concurrency = 20,
    roundTripMs = 20,
    seed = 1,
    banAfter = 1e9,
    forMs = 600_000,
  } = scenario;
  const seeded = seededRandom(seed);
  const random = () => seeded.below(1_000_000) / 1_000_000;
  const pace = new SitePace(random);
  const sessions: Simulated[] = [];
  const events: { at: number; run: () => void }[] = [];
  const at = (time: number, run: () => void) => {
    let i = events.length;
    while (i > 0 && events[i - 1]!.at < time) i -= 1;
    events.splice(i, 0, { at: time, run });
  };
  const perSecond: number[] = [];
  let now = 0;
  let served = 0;
  let refused = 0;
  let banned = 0;
  let present = 0;
  let left = pages;
  let wakeAt = Number.POSITIVE_INFINITY;

  const free = (): Simulated => {
    let found: Simulated | undefined;
    for (const session of sessions) {
      if (session.leased || session.readyAt > now) continue;
      if (!found || session.lastAt < found.lastAt) found = session;
    }
    if (found) return found;
    const counts = Array.from(
      { length: addresses },
      (_, i) => sessions.filter((s) => s.address === `a${i}`).length,
    );
    const session = {
      id: `s${sessions.length}`,
      address: `a${counts.indexOf(Math.min(...counts))}`,
      readyAt: 0,
      leased: false,
      lastAt: 0,
      refusals: 0,
    };
    sessions.push(session);
    return session;
  };
  const wake = (time: number) => {
    if (time >= wakeAt) return;
    wakeAt = time;
    at(time, () => {
      wakeAt = Number.POSITIVE_INFINITY;
      go();
    });
  };
  const go = () => {
    for (let tries = 0; tries < 50; tries += 1) {
      if (left === 0) return;
      if (present >= (pace.isProbing ? 1 : concurrency)) return;
      const waitMs = pace.waitMs(now);
      if (waitMs > 0) return wake(now + Math.max(1, Math.ceil(waitMs)));
      const session = free();
      const delayMs = pace.awayMs(session.id, session.address, now);
      if (delayMs > 0) {
        session.readyAt = now + delayMs;
        continue;
      }
      const turnInMs = pace.take(session.id, session.address, now);
      present += 1;
      left -= 1;
      session.leased = true;
      const send = () => {
        const restMs = pace.restMs(session.address, now);
        if (restMs > 0) return at(now + Math.ceil(restMs), send);
        const sentAt = now;
        at(sentAt + roundTripMs * (0.25 + random() * 0.25), () => {
          const byAddress = scenario.perAddress?.admits(session.address, now) ?? true;
          const isServed = byAddress && (scenario.perSession?.admits(session.id, now) ?? true);
          at(now + roundTripMs * (0.25 + random() * 0.5), () => {
            present -= 1;
            session.leased = false;
            session.lastAt = now;
            const visit = { sessionId: session.id, address: session.address, sentAt };
            if (isServed) {
              served += 1;
              perSecond[Math.floor(now / 1_000)] = (perSecond[Math.floor(now / 1_000)] ?? 0) + 1;
              pace.content(visit, now);
            } else {
              refused += 1;
              left += 1;
              session.refusals += 1;
              session.readyAt = session.refusals >= banAfter ? 1e12 : now + (scenario.retryAfterMs ?? 5_000);
              if (session.refusals === banAfter) banned += 1;
              pace.objected(visit, now, scenario.retryAfterMs);
            }
            go();
          });
        });
      };
      at(now + Math.ceil(turnInMs), send);
    }
    wake(now + 50);
  };
  go();
  while (served < pages && now < forMs && events.length > 0) {
    const event = events.pop()!;
    now = Math.max(now, event.at);
    event.run();
  }
  return { ms: now, served, refused, sessions: sessions.length, banned, perSecond, pace };
}
