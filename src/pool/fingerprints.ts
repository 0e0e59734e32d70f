import type { BrowserKind } from '../fingerprints/browser-identity.ts';
import { FingerprintMaker, isBrowserIdentity } from '../fingerprints/fingerprint-maker.ts';
import type { SessionBody } from '../session/body.ts';
import { type Fingerprint, proxyOf, type SessionProxy } from '../session/identity.ts';
import { loadImpit } from '../transport/impit-package.ts';
import { impitCanAppearAs } from '../transport/impit-profiles.ts';
import type { PoolEventBus } from './events.ts';
import type { PoolSettings } from './options.ts';

/** The browsers of a pool's sessions: made with the session, brought up to date when it is leased. */
export class PoolFingerprints {
  readonly #maker: FingerprintMaker;
  readonly #events: PoolEventBus;

  /**
   * Loads what makes identities; undefined where the pool wants none.
   * @throws TroupeError `MISSING_PACKAGE`
   * @throws OptionError where no browser is left to make
   */
  static async load(settings: PoolSettings, events: PoolEventBus): Promise<PoolFingerprints | undefined> {
    const maker = await loadMaker(settings);
    return maker && new PoolFingerprints(maker, events);
  }

  private constructor(maker: FingerprintMaker, events: PoolEventBus) {
    this.#maker = maker;
    this.#events = events;
  }

  /** A browser for a new session, which sits where its proxy is. */
  make(proxy: string | SessionProxy | undefined): Fingerprint {
    return this.#maker.make(proxy === undefined ? undefined : proxyOf(proxy).country);
  }

  /** The body with its browser brought up to date, or the very same. */
  advance(sessionId: string, body: SessionBody): SessionBody {
    const { fingerprint } = body;
    if (!fingerprint || !isBrowserIdentity(fingerprint)) return body;
    const next = this.#maker.advance(fingerprint);
    if (!next) return body;
    const { browser, version: from } = fingerprint;
    this.#events.emit('browserUpdated', { sessionId, browser, from, to: next.version });
    return { ...body, fingerprint: next };
  }
}

/**
 * What makes the browsers of a pool; undefined where it wants none.
 * @throws TroupeError `MISSING_PACKAGE`
 * @throws OptionError where no browser is left to make
 */
export async function loadMaker({
  fingerprints,
  transport,
}: Pick<PoolSettings, 'fingerprints' | 'transport'>): Promise<FingerprintMaker | undefined> {
  if (fingerprints === false) return undefined;
  return FingerprintMaker.load(fingerprints === true ? {} : fingerprints, await ability(transport));
}

/** What the transport can appear as: with undici headers are all there is, and any browser is as good. */
async function ability(transport: PoolSettings['transport']): Promise<(kind: BrowserKind) => boolean> {
  if (transport === 'undici') return () => true;
  const { profiles } = await loadImpit();
  return (kind) => impitCanAppearAs(profiles, kind);
}
