import type { EndSession, History, Hold, Violation } from '../history.ts';
import { bySession, carriedOut, describe, undecided } from './windows.ts';

/**
 * What was acknowledged is there: each lease comes with the uses and the user data that the one before it left. A lease
 * that ended without release counts as exactly one use, and leaves the user data as they were; where an answer
 * was lost, either may be.
 */
export function checkCounts(history: History): Violation[] {
  const violations: Violation[] = [];
  const holdsOf = bySession(history.holds);
  const endOf = new Map(history.end.sessions.map((session) => [session.id, session]));
  let unheard = 0;
  for (const birth of history.births) {
    const { id } = birth;
    const chain = new Chain(birth.usageCount, birth.outcome === 'known' ? birth.fence : 0);
    const ofOne = holdsOf.get(id) ?? [];
    for (const [index, hold] of ofOne.entries()) {
      for (const message of [...chain.arriveAt(hold), ...usesOf(hold)])
        violations.push({ rule: 'counts', id, message });
      chain.leave(hold, ofOne[index + 1]);
    }
    unheard += chain.unheard;
    const end = endOf.get(id);
    if (end !== undefined)
      for (const message of chain.endsAt(end, history.unheardLeases))
        violations.push({ rule: 'counts', id, message });
  }
  if (unheard > history.unheardLeases) {
    const message = `${unheard} leases were given to nobody, but only ${history.unheardLeases} answers were not heard`;
    violations.push({ rule: 'no lease to nobody', message });
  }
  return violations;
}

/** One lease is one use, or none where it was given back unused. */
function usesOf(hold: Hold): string[] {
  const uses = hold.releases.map(({ change }) => (change?.usageCount ?? hold.usageCount) - hold.usageCount);
  const wrong = uses.find((count) => count !== 0 && count !== 1);
  return wrong === undefined ? [] : [`${describe(hold)} was given back as ${wrong} uses`];
}

/** One session from lease to lease: what its uses and its mark may be. */
class Chain {
  #fence: number;
  #uses: Set<number>;
  #marks = new Set([0]);
  /** Whether the last lease ended without a release; `undefined`: not known. */
  #isRecovered: boolean | undefined = false;
  unheard = 0;

  constructor(usageCount: number, fence: number) {
    this.#uses = new Set([usageCount]);
    // The maker's own lease comes first among those that follow.
    this.#fence = Math.max(fence - 1, 0);
  }

  /** Leases that nobody heard of lie between: each ran out, and was a use. */
  *arriveAt(hold: Hold): Generator<string> {
    const between = Math.max(0, hold.fence - this.#fence - 1);
    this.unheard += between;
    const expected = [...this.#uses].map((uses) => uses + between);
    if (!expected.includes(hold.usageCount))
      yield `${describe(hold)} came with ${hold.usageCount} uses; ${expected.join(' or ')} were behind it`;
    if (!this.#marks.has(hold.mark))
      yield `${describe(hold)} came with the user data of fence ${hold.mark}, not of ${[...this.#marks].join(' or ')}`;
    const isRecovered = between > 0 ? true : this.#isRecovered;
    if (isRecovered !== undefined && hold.recovered !== isRecovered)
      yield `${describe(hold)} was told that the lease before it ${hold.recovered ? 'ran out' : 'was given back'}, but it ${isRecovered ? 'ran out' : 'was given back'}`;
  }

  /** What the lease leaves behind. What it came with is taken as true from here on, so that one fault is told once. */
  leave(hold: Hold, next: Hold | undefined): void {
    const { usageCount, mark, fence } = hold;
    this.#fence = fence;
    const done = carriedOut(hold);
    if (done !== undefined) {
      this.#uses = new Set([done.change?.usageCount ?? usageCount]);
      this.#marks = new Set([done.change?.mark ?? mark]);
      this.#isRecovered = false;
      return;
    }
    const perhaps = undecided(hold, next);
    this.#uses = new Set([usageCount + 1, ...perhaps.map(({ change }) => change?.usageCount ?? usageCount)]);
    this.#marks = new Set([mark, ...perhaps.map(({ change }) => change?.mark ?? mark)]);
    this.#isRecovered = perhaps.length > 0 ? undefined : true;
  }

  *endsAt(end: EndSession, unheardLeases: number): Generator<string> {
    // One that lives was leased once more by the harness, by its id: that hold is in the chain. One that died may
    // have been leased before to somebody who never heard of it.
    const more = end.status === 'usable' ? 0 : unheardLeases;
    const isFitting = [...this.#uses].some((uses) => end.usageCount >= uses && end.usageCount <= uses + more);
    if (!isFitting)
      yield `${end.id} ended with ${end.usageCount} uses; ${[...this.#uses].join(' or ')} were behind it`;
    if (!this.#marks.has(end.mark))
      yield `${end.id} ended with the user data of fence ${end.mark}, not of ${[...this.#marks].join(' or ')}`;
  }
}
