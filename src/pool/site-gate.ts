import { MAX_TIMER_MS } from '../internal/clock.ts';
import type { SiteTraffic } from './sites.ts';

interface Line {
  /** Each lets one in. */
  readonly admissions: (() => void)[];
  timer: NodeJS.Timeout | undefined;
}

/** A line at each site for those who fetch from it without a lease that was asked for it. */
export class SiteGate {
  readonly #sites: SiteTraffic;
  readonly #lines = new Map<string, Line>();

  readonly #timeoutMs: number;
  readonly #makeError: (site: string) => Promise<Error>;

  /** @param makeError what to tell one who waited for `timeoutMs` */
  constructor(sites: SiteTraffic, timeoutMs: number, makeError: (site: string) => Promise<Error>) {
    this.#sites = sites;
    this.#timeoutMs = timeoutMs;
    this.#makeError = makeError;
  }

  /**
   * Waits for a place at the site; gives up with the signal's reason, or after the time that a wait for a session takes
   * at most: two tasks that each hold a place where the other wants one would wait for ever.
   */
  enter(site: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#sites.waitMs(site) === 0 && !this.#lines.has(site)) {
      this.#sites.enter(site);
      return Promise.resolve();
    }
    return this.#wait(site, signal);
  }

  leave(site: string): void {
    this.#sites.leave(site);
    this.#admit(site);
  }

  #wait(site: string, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const line = this.#lines.get(site) ?? { admissions: [], timer: undefined };
    this.#lines.set(site, line);
    const leave = () => {
      const place = line.admissions.indexOf(admit);
      if (place < 0) return false;
      line.admissions.splice(place, 1);
      this.#admit(site);
      return true;
    };
    const giveUp = () => {
      clearTimeout(timer);
      if (leave()) reject(signal!.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', giveUp);
        if (leave()) this.#makeError(site).then(reject, reject);
      },
      Math.min(this.#timeoutMs, MAX_TIMER_MS),
    );
    const admit = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      resolve();
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    line.admissions.push(admit);
    this.#admit(site);
    return promise;
  }

  /** Lets in as many as may go now, and comes back when the site's rest ends. */
  #admit(site: string): void {
    const line = this.#lines.get(site);
    if (!line) return;
    clearTimeout(line.timer);
    let waitMs = this.#sites.waitMs(site);
    while (line.admissions.length > 0 && waitMs === 0) {
      this.#sites.enter(site);
      line.admissions.shift()!();
      waitMs = this.#sites.waitMs(site);
    }
    if (line.admissions.length === 0) this.#lines.delete(site);
    else if (waitMs !== Number.POSITIVE_INFINITY)
      line.timer = setTimeout(() => this.#admit(site), Math.min(Math.ceil(waitMs), MAX_TIMER_MS));
  }
}
