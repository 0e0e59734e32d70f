import type { History, Hold, Retirement, Violation } from '../history.ts';
import { bySession, CLOCKS_DIFFER_MS, carriedOut, describe, undecided } from './windows.ts';

/** None is handed out that is used up, expired, dead, resting, or blocked for the asked site. */
export function checkEligible({ holds, retirements }: History): Violation[] {
  const violations: Violation[] = [];
  const ordersOf = Map.groupBy(retirements, ({ id }) => id);
  for (const [id, ofOne] of bySession(holds)) {
    const known = new KnownState(ordersOf.get(id) ?? []);
    for (const hold of ofOne) {
      for (const why of known.against(hold))
        violations.push({ rule: 'only the eligible', id, message: `${describe(hold)} was leased ${why}` });
      known.after(hold);
    }
  }
  return violations;
}

/** What acknowledged releases and orders say of one session, as far as it is certain. */
class KnownState {
  readonly #retirements: readonly Retirement[];
  #death: string | undefined;
  #restsUntil = 0;
  /** Sites that it is blocked for, until when at the earliest. */
  readonly #blockedUntil = new Map<string, number>();

  constructor(retirements: readonly Retirement[]) {
    this.#retirements = retirements;
  }

  *against(hold: Hold): Generator<string> {
    const { site, isBirth, usageCount, maxUsageCount, expiresInMs } = hold;
    const heardBy = hold.heardAt + CLOCKS_DIFFER_MS;
    if (this.#death !== undefined) yield `although ${this.#death}`;
    if (this.#retirements.some((order) => order.reached > 0 && order.heardAt! < hold.askedAt))
      yield 'after it was ordered to retire';
    if (maxUsageCount !== null && usageCount >= maxUsageCount)
      yield `with ${usageCount} of ${maxUsageCount} uses behind it`;
    if (!isBirth && expiresInMs !== null && expiresInMs <= 0) yield 'although it had expired';
    if (heardBy < this.#restsUntil) yield `${this.#restsUntil - hold.heardAt} ms before its rest was over`;
    const blockedUntil = site === undefined ? undefined : this.#blockedUntil.get(site);
    if (blockedUntil !== undefined && heardBy < blockedUntil)
      yield `for ${site}, where it was blocked${Number.isFinite(blockedUntil) ? '' : ' for good'}`;
  }

  after(hold: Hold): void {
    const release = carriedOut(hold);
    // Whether they were written is not known: what they would have lifted is no longer certain.
    for (const { change } of undecided(hold))
      for (const { site, ms } of change?.blocks ?? []) if (ms === 0) this.#blockedUntil.delete(site);
    if (release === undefined) return;
    if (release.outcome === 'ordered') this.#death = 'an order had retired it';
    const { change } = release;
    if (change === null) return;
    // Of one that was repeated, the first may have been the one that was carried out.
    const asked = hold.releases.filter(({ outcome }) => outcome !== 'lost').map(({ askedAt }) => askedAt);
    const askedAt = Math.min(...asked);
    if (change.status !== 'usable') this.#death = `it had been given back as ${change.status}`;
    this.#restsUntil = change.restMs > 0 ? askedAt + change.restMs : 0;
    for (const { site, ms } of change.blocks) {
      const until = ms === null ? Number.POSITIVE_INFINITY : askedAt + ms;
      if (ms === 0) this.#blockedUntil.delete(site);
      else this.#blockedUntil.set(site, Math.max(until, this.#blockedUntil.get(site) ?? 0));
    }
  }
}
