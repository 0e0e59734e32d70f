/** Keys remembered in each of two generations: those not seen for long are forgotten first. */
const MAX_KEYS = 5_000;
/** Share of a pause that is left to chance, to both sides: evenly spaced requests look like no people. */
const JITTER = 0.1;
/** How often the pace may creep up, and by how much. */
const CREEP_EVERY_MS = 250;
const CREEP = 0.06;
/** The same while the pace is only a guess: it was never sure that this was what the site objected to. */
const CREEP_OF_GUESS = 0.15;
/** Once a rate was objected to, this share of it is aimed at. */
const BELOW_OBJECTED = 0.92;
/** After so long without an objection the rate that last met one may be tried again; twice as long each time. */
const FORGIVE_AFTER_MS = 20_000;
const MAX_FORGIVE_AFTER_MS = 600_000;
/** A shorter pause is none. */
const LEAST_MS = 0.5;
/** A step back: at least and at most so much slower. */
const SLOWER = 1.15;
const MUCH_SLOWER = 2;

/** Those who share one limit: a session, or an address. */
interface Key {
  /** Since when uses are counted. */
  since: number;
  count: number;
  /** The next may go at this instant. */
  nextAt: number;
  /** It was refused: nobody goes before then, whatever was agreed. */
  restsUntil: number;
}

/** How much one key was used before it met an objection. */
export interface Use {
  readonly count: number;
  readonly since: number;
}

/** What is worth telling others of a limit. */
export interface LearntPace {
  /** The pause between two uses of one key, whoever uses it, in milliseconds. */
  readonly intervalMs: number;
  /** That pause when it last was too short; 0: not known. */
  readonly objectedMs: number;
  readonly isGuess: boolean;
}

/**
 * What a site bears of each key of one kind (each session, or each exit address): no limit as long as none was met, then
 * a pause between two uses of a key, which shrinks until it meets the next objection, and settles short of it.
 */
export class LearntLimit {
  readonly #random: () => number;
  /** Workers that use the same keys: each leaves the others their turns. */
  sharedBy = 1;
  #keys = new Map<string, Key>();
  #olderKeys = new Map<string, Key>();
  #intervalMs = 0;
  /** The pause between two uses when it last was too short; 0: not known. */
  #objectedMs = 0;
  #forgiveAt = 0;
  #forgiveAfterMs = FORGIVE_AFTER_MS;
  #isGuess = false;
  /** Whether others had a part in what is known. */
  #isOfOthers = false;
  /** Uses before it are not counted any more. */
  #countsFrom = Number.NEGATIVE_INFINITY;
  /** When everybody's turns began anew. */
  #turnsFrom = 0;
  /** Turns that everybody leaves out after a step back. */
  #leaveOut = 0;
  #creepAt = 0;
  /** As long as no limit is known: the most uses of one key that the site was content with. */
  #mostContent = 0;
  /** Whether somebody had to wait since it last crept: who is in no hurry proves nothing. */
  #hasHeldUp = false;

  /** @param intervalMs the pause to begin with; 0: none is known to be needed */
  constructor(random: () => number, intervalMs = 0) {
    this.#random = random;
    this.#intervalMs = intervalMs;
  }

  /** The pause between two uses of one key, in milliseconds; 0: none is needed, as far as is known. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  get learnt(): LearntPace {
    return { intervalMs: this.#intervalMs, objectedMs: this.#objectedMs, isGuess: this.#isGuess };
  }

  /** Others have met an objection: from now on no faster than they go. */
  adopt({ intervalMs, objectedMs, isGuess }: LearntPace, now: number): void {
    if (intervalMs < LEAST_MS) return;
    this.#isOfOthers = true;
    this.#isGuess = isGuess && (this.#isGuess || this.#intervalMs === 0);
    this.#objectedMs = Math.max(this.#objectedMs, objectedMs);
    this.#forgiveAt = now + this.#forgiveAfterMs;
    if (intervalMs <= this.#intervalMs) return;
    this.#slowTo(intervalMs, now);
    this.#turnsFrom = now;
  }

  /** Between two uses of one key by this worker. */
  get #ownIntervalMs(): number {
    return this.#intervalMs * this.sharedBy;
  }

  /** Whether it was never sure that this limit was met: another one was as near. */
  get isGuess(): boolean {
    return this.#isGuess;
  }

  /** How long this key has to wait. */
  delayMs(name: string, now: number): number {
    if (this.#intervalMs > 0) return Math.max(0, this.#key(name, now).nextAt - now);
    const key = this.#keys.get(name) ?? this.#olderKeys.get(name);
    return key === undefined || key.nextAt <= now ? 0 : key.nextAt - now;
  }

  /** The shortest wait of all keys, if there are few; 0 where that is not known. */
  shortestDelayMs(now: number): number {
    if (this.#intervalMs === 0 || this.#keys.size === 0 || this.#keys.size > 64) return 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (const name of this.#keys.keys()) earliest = Math.min(earliest, this.#key(name, now).nextAt);
    if (earliest <= now) return 0;
    // What was learnt while others went there too may be far too slow: it must be left again, with one address alone as well.
    if (this.#isOfOthers || this.sharedBy > 1) this.#hasHeldUp = true;
    return earliest - now;
  }

  /** Counts a use that goes as soon as its key's turn has come; answers how long that takes. */
  take(name: string, now: number): number {
    const key = this.#key(name, now);
    key.count += 1;
    const at = Math.max(now, key.nextAt);
    if (this.#intervalMs > 0) {
      if (at > now) this.#hasHeldUp = true;
      const interval = this.#ownIntervalMs;
      const pauseMs = interval * (1 - JITTER + 2 * JITTER * this.#random());
      // A turn that was not taken is not lost at once: timers are late.
      key.nextAt = Math.max(key.nextAt, now - interval) + pauseMs;
    }
    return at - now;
  }

  /** Nobody uses this key before then. */
  rest(name: string, untilAt: number): void {
    const key = this.#keys.get(name) ?? this.#olderKeys.get(name);
    if (!key) return;
    key.restsUntil = Math.max(key.restsUntil, untilAt);
    key.nextAt = Math.max(key.nextAt, untilAt);
  }

  /** How long it still rests, for one whose turn was agreed upon before. */
  restMs(name: string, now: number): number {
    const key = this.#keys.get(name) ?? this.#olderKeys.get(name);
    return key === undefined ? 0 : Math.max(0, key.restsUntil - now);
  }

  forget(name: string): void {
    this.#keys.delete(name);
    this.#olderKeys.delete(name);
  }

  /** How much a key was used, for an objection that it met. */
  useOf(name: string, now: number): Use {
    const { count, since } = this.#key(name, now);
    return { count: Math.max(1, count), since };
  }

  /** How near a key is to what was in order so far: 1 at it. Its latest use is the one in question. */
  pressureOn(name: string, now: number): number {
    const { count, since } = this.useOf(name, now);
    if (this.#intervalMs === 0) return (count - 1) / Math.max(1, this.#mostContent);
    const interval = this.#ownIntervalMs;
    return ((count - 1) * interval) / Math.max(now - since, interval);
  }

  /** The site was content with a use of this key. */
  content(name: string, now: number): void {
    if (this.#intervalMs > 0) this.#creep(now);
    const key = this.#keys.get(name);
    if (key && key.count > this.#mostContent) this.#mostContent = key.count;
  }

  /** So much use was too much until `refusedAt`, and is in order again: from now on it is spread over that time. */
  settle({ count, since }: Use, refusedAt: number, now: number, isGuess: boolean): void {
    this.#isGuess = isGuess;
    this.#slowTo((now - since) / count / this.sharedBy, refusedAt);
    this.#turnsFrom = now;
  }

  /** It was too fast: everybody steps back. */
  slowDown(name: string, now: number): void {
    const { count, since } = this.useOf(name, now);
    const interval = this.#intervalMs;
    if (interval === 0) {
      this.#slowTo((now - since) / count / this.sharedBy, now);
      return;
    }
    const measuredMs = count >= 4 ? ((now - since) / count / this.sharedBy) * 1.05 : 0;
    const isConfirmed =
      this.#objectedMs > 0 && interval >= this.#objectedMs * 0.9 && interval <= this.#objectedMs * 1.1;
    this.#forgiveAfterMs = isConfirmed
      ? Math.min(2 * this.#forgiveAfterMs, MAX_FORGIVE_AFTER_MS)
      : FORGIVE_AFTER_MS;
    this.#forgiveAt = now + this.#forgiveAfterMs;
    this.#objectedMs = Math.max(this.#objectedMs, interval);
    this.#isGuess = false;
    this.#slowTo(Math.min(Math.max(interval * SLOWER, measuredMs), interval * MUCH_SLOWER), now);
    // The others are near their limit, too.
    this.#leaveOut = 2;
    this.#turnsFrom = now;
  }

  /** The site is content with the pace: after a while it may be a little faster. */
  #creep(now: number): void {
    if (now < this.#creepAt) return;
    this.#creepAt = now + CREEP_EVERY_MS;
    if (!this.#hasHeldUp) return;
    this.#hasHeldUp = false;
    if (this.#objectedMs > 0 && now >= this.#forgiveAt) {
      this.#objectedMs *= 0.93;
      this.#forgiveAt = now + this.#forgiveAfterMs;
    }
    const shortest = this.#objectedMs / BELOW_OBJECTED;
    this.#intervalMs = Math.max(
      this.#intervalMs * (1 - (this.#isGuess ? CREEP_OF_GUESS : CREEP)),
      Math.min(shortest, this.#intervalMs),
    );
    // A guess is kept, however small: what it says about blame is worth more than no pace at all.
    if (this.#intervalMs < LEAST_MS) this.#intervalMs = this.#isGuess ? LEAST_MS : 0;
  }

  #slowTo(intervalMs: number, refusedAt: number): void {
    this.#intervalMs = Math.max(this.#intervalMs, intervalMs);
    this.#countsFrom = refusedAt;
    this.#mostContent = 0;
    this.#leaveOut = 0;
    this.#creepAt = refusedAt + CREEP_EVERY_MS;
    this.#hasHeldUp = false;
  }

  #key(name: string, now: number): Key {
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = this.#olderKeys.get(name) ?? { since: now, count: 0, nextAt: 0, restsUntil: 0 };
      if (this.#keys.size >= MAX_KEYS) {
        this.#olderKeys = this.#keys;
        this.#keys = new Map();
      }
      this.#keys.set(name, key);
    }
    if (key.since < this.#countsFrom) {
      key.since = this.#countsFrom;
      key.count = 0;
      // Not all in the same moment.
      const turnAt = this.#turnsFrom + this.#ownIntervalMs * (this.#leaveOut + this.#random());
      key.nextAt = Math.max(key.nextAt, turnAt);
    }
    return key;
  }
}
