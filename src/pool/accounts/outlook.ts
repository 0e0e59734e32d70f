import type { Clock } from '../../internal/clock.ts';
import type { Account } from './account.ts';
import type { Standing } from './record.ts';

/** How long until accounts without a known end are looked at again: others may have changed them. It doubles. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 10_000;
/** Of many accounts seldomer: a look at one costs a call. */
const PAUSE_MS_EACH = 3;
/** A look goes on where the last one ended, soon. */
const NEXT_PART_MS = 10;

/** What a look at an account found: its standing, a session of it that lives, or that its proxy is away. */
export type Seen = Standing | { readonly kind: 'held' | 'no-proxy'; readonly untilAt: null };
type Kind = Exclude<Seen['kind'], 'free'>;

const WORDS: Record<Kind, string> = {
  held: 'in use by sessions that live',
  'logging-in': 'logging in',
  'no-proxy': 'whose proxy is away',
  cooling: 'cooling after a failed login',
  spent: 'out of logins for today',
  locked: 'locked',
  'bad-credentials': 'with wrong credentials',
  parked: 'parked',
};

/** What this process saw of accounts when it looked for one last, so that it does not look at all of them all the time. */
export class Outlook {
  readonly #clock: Clock;
  readonly #seen = new Map<string, { kind: Kind; until: number }>();
  #pausedUntil = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #lookedAt = 0;
  #isEmpty = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get pausedForMs(): number {
    return Math.max(0, this.#pausedUntil - this.#clock.monotonic());
  }

  /** Whether all accounts were looked at since something changed. */
  get isWholeRound(): boolean {
    return this.#lookedAt === 0;
  }

  /** Accounts whose session lived when it was seen last. */
  get held(): number {
    return this.#count('held');
  }

  /** Whether there will be an account by itself: after a while, or because the look is not done. */
  get comesBack(): boolean {
    if (this.pausedForMs === 0 || !this.isWholeRound) return true;
    return [...this.#seen.values()].some(({ kind }) => COMES_BACK.has(kind));
  }

  /** Something changed: all are looked at again. */
  reset(): void {
    this.#seen.clear();
    this.#pausedUntil = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#lookedAt = 0;
  }

  /** One account changed: it is worth a look. */
  forget(id: string): void {
    this.#seen.delete(id);
    this.#pausedUntil = 0;
  }

  /** What is known of an account that cannot be taken; `undefined` where it is worth a look. */
  of(id: string): Kind | undefined {
    const seen = this.#seen.get(id);
    return seen && seen.until > this.#clock.monotonic() ? seen.kind : undefined;
  }

  /** @param storeNow the store's clock, by which `untilAt` is */
  saw(id: string, standing: Seen, storeNow: number): void {
    if (standing.kind === 'free') return;
    const forMs = standing.untilAt === null ? this.#pauseMs : Math.max(0, standing.untilAt - storeNow);
    // Also where an end is known: somebody may make it ready before.
    this.#seen.set(id, {
      kind: standing.kind,
      until: this.#clock.monotonic() + Math.min(forMs, this.#pauseMs),
    });
  }

  /** So many more of the list were passed, and none could be taken. */
  passed(count: number, accounts: readonly Account[]): void {
    this.#isEmpty = accounts.length === 0;
    this.#lookedAt += count;
    const now = this.#clock.monotonic();
    if (this.#lookedAt < accounts.length) {
      this.#pausedUntil = now + NEXT_PART_MS;
      return;
    }
    this.#lookedAt = 0;
    let next = now + this.#pauseMs;
    for (const { until } of this.#seen.values()) if (until > now) next = Math.min(next, until);
    this.#pausedUntil = Math.max(next, now + NEXT_PART_MS);
    this.#pauseMs = Math.min(2 * this.#pauseMs, Math.max(MAX_PAUSE_MS, PAUSE_MS_EACH * accounts.length));
  }

  /** For people: how many accounts are in which state. */
  toString(): string {
    if (this.#isEmpty) return 'the list of accounts is empty';
    const counts = (Object.keys(WORDS) as Kind[]).map((kind) => [this.#count(kind), WORDS[kind]] as const);
    return counts
      .filter(([count]) => count > 0)
      .map(([count, words]) => `${count} ${words}`)
      .join(', ');
  }

  #count(kind: Kind): number {
    let count = 0;
    for (const seen of this.#seen.values()) if (seen.kind === kind) count += 1;
    return count;
  }
}

const COMES_BACK: ReadonlySet<Kind> = new Set(['logging-in', 'no-proxy', 'cooling', 'spent']);
