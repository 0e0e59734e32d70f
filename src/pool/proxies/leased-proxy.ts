import { type ProxyFault, proxyFaultOf } from '../../proxies/proxy-fault.ts';
import type { Verdict } from '../../verdict/judgement.ts';

/** What a lease's proxy needs from its pool. */
export interface ProxyHome {
  /** @param site what it was to reach */
  failed(proxy: LeasedProxy, fault: ProxyFault, site: string, reason: string): void;
  worked(proxy: LeasedProxy): void;
  left(proxy: LeasedProxy): void;
  closedForMs(tag: string): number;
}

/** The proxy of one lease: what its requests say of it, and its place among those who may use it at once. */
export class LeasedProxy {
  readonly tag: string;
  /** It came back from its quarantine, and this lease is the first to try it. */
  readonly isProbe: boolean;
  /** The session's tag was another: it is written with its release. */
  readonly changedTag: string | undefined;
  /** What became of the probe. */
  hasAnswered = false;
  readonly #home: ProxyHome;
  #isLeft = false;
  #asked = 0;
  #neverSent = 0;

  constructor(home: ProxyHome, tag: string, isProbe: boolean, changedTag: string | undefined) {
    this.#home = home;
    this.tag = tag;
    this.isProbe = isProbe;
    this.changedTag = changedTag;
  }

  /** How long the session must stay away from it, in milliseconds. */
  get closedForMs(): number {
    return this.#home.closedForMs(this.tag);
  }

  /** Whether it must not be used any more: it was quarantined meanwhile. Who tries it has one try. */
  get isClosed(): boolean {
    return (!this.isProbe || this.hasAnswered) && this.closedForMs > 0;
  }

  /** A request is about to go out, or is refused because the proxy is closed. */
  asks(): void {
    this.#asked += 1;
  }

  /** Whether some request may have come to a site: each that surely did not has failed, and said so. */
  get mayHaveReached(): boolean {
    return this.#asked > this.#neverSent;
  }

  /** A request through it to this site was judged; `error` is what it failed with. */
  judged(verdict: Verdict, rule: string, site: string, error: unknown): void {
    if ((error as { neverSent?: unknown } | undefined)?.neverSent === true) this.#neverSent += 1;
    if (verdict === 'proxy-failed') {
      // Without an error a rule of the user's took the answer for its own page.
      this.#home.failed(this, proxyFaultOf(error) ?? 'gateway', site, rule);
      this.hasAnswered = true;
    } else if (error === undefined) {
      this.#home.worked(this);
      this.hasAnswered = true;
    } else if (this.isProbe && !this.hasAnswered) {
      this.hasAnswered = true;
      // Too slow, or cut off: of a proxy that failed before, it is what to expect.
      this.#home.failed(this, 'gateway', site, rule);
    }
  }

  /** The lease is over. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#home.left(this);
  }
}
