import type { EndSession, History, Hold, SessionBirth, Violation } from '../history.ts';
import { bySession, CLOCKS_DIFFER_MS, carriedOut } from './windows.ts';

/** When all is quiet: nobody is missing, whoever is dead died of something, and the counters agree with a walk over the list. */
export function checkEnd(history: History): Violation[] {
  return [...missing(history), ...fates(history), ...counters(history)];
}

function missing({ births, holds, end }: History): Violation[] {
  const there = new Set(end.sessions.map(({ id }) => id));
  const born = new Set(births.map(({ id }) => id));
  const held = new Set(holds.map(({ id }) => id));
  const known = births.filter(({ outcome, id }) => outcome === 'known' || held.has(id));
  return [
    ...known
      .filter(({ id }) => !there.has(id))
      .map(({ id }) => ({ rule: 'nobody is lost', id, message: `${id} is gone` })),
    ...[...new Set([...there, ...held])]
      .filter((id) => !born.has(id))
      .map((id) => ({ rule: 'nobody is lost', id, message: `${id} came from nowhere` })),
  ];
}

function fates({ births, holds, retirements, end, settings }: History): Violation[] {
  const birthOf = new Map(births.map((birth) => [birth.id, birth]));
  const holdsOf = bySession(holds);
  const violations: Violation[] = [];
  for (const session of end.sessions) {
    const { id } = session;
    const birth = birthOf.get(id);
    if (birth === undefined) continue;
    const ofOne = holdsOf.get(id) ?? [];
    const orders = retirements.filter((order) => order.id === id);
    if (session.status === 'usable') {
      const death = ofOne.map(deathAt).find((why) => why !== undefined);
      if (death !== undefined) violations.push({ rule: 'fates', id, message: `${id} lives, but ${death}` });
      if (orders.some(({ reached }) => reached > 0))
        violations.push({ rule: 'fates', id, message: `${id} lives, but was ordered to retire` });
    } else if (!isExplained(session, birth, ofOne, orders.length > 0, settings.endedAt)) {
      const message = `${id} is ${session.status} (${session.reason}), and nothing explains it`;
      violations.push({ rule: 'fates', id, message });
    }
  }
  return violations;
}

function deathAt(hold: Hold): string | undefined {
  const release = carriedOut(hold);
  if (release?.outcome === 'ordered') return `its release at fence ${hold.fence} was told of its retirement`;
  const status = release?.change?.status ?? 'usable';
  return status === 'usable' ? undefined : `it was given back as ${status} at fence ${hold.fence}`;
}

function isExplained(
  { status, reason, usageCount }: EndSession,
  { maxUsageCount, expiresInMs, askedAt }: SessionBirth,
  holds: readonly Hold[],
  isOrdered: boolean,
  endedAt: number,
): boolean {
  const isOld = expiresInMs !== null && endedAt - askedAt >= expiresInMs - CLOCKS_DIFFER_MS;
  if (status === 'expired') return isOld;
  if (status === 'used-up') return maxUsageCount !== null && usageCount >= maxUsageCount;
  if (status === 'retired' && (isOrdered || reason === 'made room')) return true;
  return holds.some(({ releases }) =>
    releases.some(({ change, outcome }) => change?.status === status && outcome !== 'lost'),
  );
}

function counters({ end, settings }: History): Violation[] {
  const { sessions, counts } = end;
  const dead = sessions.filter(({ state }) => state === 'dead').length;
  const walked = {
    living: sessions.length - dead,
    leased: sessions.filter(({ state }) => state === 'leased').length,
    // Whoever made one is gone, or has given it back.
    places: 0,
    dead,
  };
  const violations: Violation[] = [];
  for (const name of ['living', 'leased', 'places', 'dead'] as const) {
    if (counts[name] === walked[name]) continue;
    const message = `count() says ${counts[name]} ${name}; a walk over all finds ${walked[name]}`;
    violations.push({ rule: 'counters', message });
  }
  if (walked.living > settings.maxPoolSize)
    violations.push({ rule: 'the limit', message: `${walked.living} living at the end` });
  return violations;
}
