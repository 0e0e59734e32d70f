import type { Clock } from '../../internal/clock.ts';
import type { SharedDocument } from '../shared-document.ts';
import type { FailingProxy, ProxyDocument } from './proxy-document.ts';

/** The first quarantine; each failure in a row makes the next twice as long. At most five requests a minute, then ever fewer. */
const FIRST_MS = 12_000;
const LONGEST_MS = 600_000;
/** Who tries a proxy has so long before somebody else may. */
const PROBE_MS = 30_000;
/** So old may be what is known of the others' failures. */
const STALE_MS = 1_000;
/** What nobody has tried for so long is forgotten: no session has that proxy any more. */
const FORGET_AFTER_MS = 3_600_000;

/** `returning`: its quarantine is over, and one session is to try it before the others follow. */
export type ProxyState = 'healthy' | 'quarantined' | 'returning' | 'probing';

/**
 * Which proxies fail, as all processes of a store know it: told in a shared document, which is read again every second
 * while it is asked, beside the work, and written only when a proxy fails, is tried, or works again.
 */
export class ProxyHealth {
  readonly #document: SharedDocument<ProxyDocument>;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  /** Ahead of the document: what is being written. */
  readonly #ahead = new Map<string, FailingProxy | null>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param clock the store's */
  constructor(document: SharedDocument<ProxyDocument>, clock: Clock, onError: (error: unknown) => void) {
    this.#document = document;
    this.#clock = clock;
    this.#onError = onError;
  }

  async load(): Promise<void> {
    await this.#document.read();
  }

  stateOf(tag: string): ProxyState {
    const failing = this.#of(tag);
    if (failing === undefined) return 'healthy';
    const now = this.#clock.now();
    if (failing.untilAt > now) return 'quarantined';
    return failing.probeUntilAt !== undefined && failing.probeUntilAt > now ? 'probing' : 'returning';
  }

  /** Milliseconds until it may be tried, by one; 0: now. */
  closedForMs(tag: string): number {
    const failing = this.#of(tag);
    if (failing === undefined) return 0;
    return Math.max(0, Math.max(failing.untilAt, failing.probeUntilAt ?? 0) - this.#clock.now());
  }

  failuresOf(tag: string): number {
    return this.#of(tag)?.failures ?? 0;
  }

  /**
   * It failed. Answers for how long it is closed now, in milliseconds; `undefined` where that was known already.
   * `isProbe`: by the one who was to try it.
   */
  failed(tag: string, isProbe: boolean): number | undefined {
    const before = this.#of(tag);
    const now = this.#clock.now();
    // Those who were under way when it was found out add nothing to it.
    if (before !== undefined && !isProbe && before.untilAt > now) return undefined;
    const failures = (before?.failures ?? 0) + 1;
    const growing = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 20), LONGEST_MS);
    const ms = Math.round(growing * (1 + 0.25 * Math.random()));
    const failing: FailingProxy = { failures, untilAt: now + ms };
    this.#write(tag, failing, (stored) =>
      // Another process was faster.
      stored !== undefined && stored.failures >= failures && stored.untilAt > now ? stored : failing,
    );
    return ms;
  }

  /** Asks to be the one who tries it. */
  async claim(tag: string): Promise<boolean> {
    const now = this.#clock.now();
    const probeUntilAt = now + PROBE_MS;
    const known = this.#of(tag);
    if (known === undefined) return true;
    // At once, for the others of this process.
    this.#ahead.set(tag, { ...known, probeUntilAt });
    let isOurs = false;
    try {
      await this.#document.change((document) => {
        const written = document.failing[tag];
        const stored = written && believable(written, now);
        isOurs = stored === undefined || Math.max(stored.untilAt, stored.probeUntilAt ?? 0) <= now;
        if (!isOurs || stored === undefined) return document;
        return withFailing(document, tag, { ...stored, probeUntilAt }, now);
      });
    } finally {
      this.#ahead.delete(tag);
    }
    return isOurs;
  }

  /** Who tried it found out nothing: another may. */
  abandoned(tag: string): void {
    const known = this.#of(tag);
    if (known?.probeUntilAt === undefined) return;
    const { probeUntilAt, ...rest } = known;
    this.#write(tag, rest, (stored) => (stored?.probeUntilAt === probeUntilAt ? rest : stored));
  }

  /** It works again. */
  worked(tag: string): void {
    if (this.#of(tag) !== undefined) this.#write(tag, null, () => undefined);
  }

  #of(tag: string): FailingProxy | undefined {
    this.#look();
    const ahead = this.#ahead.get(tag);
    if (ahead !== undefined) return ahead ?? undefined;
    const failing = this.#document.value.failing[tag];
    return failing && believable(failing, this.#clock.now());
  }

  /** What the others found out is read beside the work. */
  #look(): void {
    const now = performance.now();
    if (now - this.#lookedAt < STALE_MS) return;
    this.#lookedAt = now;
    this.#document.read().catch(this.#onError);
  }

  #write(
    tag: string,
    ahead: FailingProxy | null,
    next: (stored: FailingProxy | undefined) => FailingProxy | undefined,
  ): void {
    this.#ahead.set(tag, ahead);
    const done = () => {
      if (this.#ahead.get(tag) === ahead) this.#ahead.delete(tag);
    };
    this.#document
      .change((document) => withFailing(document, tag, next(document.failing[tag]), this.#clock.now()))
      .then(done, (error) => {
        // That it fails stays known here, at least.
        if (ahead === null) done();
        this.#onError(error);
      });
  }
}

/** Nobody closes a proxy for longer than that: the clock was set back since, and it would stay closed for as much. */
function believable(failing: FailingProxy, now: number): FailingProxy {
  const isFine = failing.untilAt <= now + 1.25 * LONGEST_MS && (failing.probeUntilAt ?? 0) <= now + PROBE_MS;
  return isFine ? failing : { failures: failing.failures, untilAt: now };
}

/** The document with this proxy's state, and without those that nobody has cared for in a long time. */
function withFailing(
  document: ProxyDocument,
  tag: string,
  failing: FailingProxy | undefined,
  now: number,
): ProxyDocument {
  if (document.failing[tag] === failing) return document;
  const { [tag]: _, ...others } = document.failing;
  const fresh = Object.entries(others).filter(([, { untilAt }]) => untilAt + FORGET_AFTER_MS > now);
  if (failing !== undefined) fresh.push([tag, failing]);
  return { ...document, failing: Object.fromEntries(fresh) };
}
