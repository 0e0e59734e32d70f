import diagnostics from 'node:diagnostics_channel';
import { Events } from '../internal/events.ts';
import { maskError } from '../internal/mask.ts';
import type { Judgement } from '../verdict/judge.ts';

/** What a pool tells. No event holds a cookie, user data or a password. */
export interface PoolEvents {
  /** A new session is in the pool. */
  created: { sessionId: string };
  acquired: { sessionId: string; site?: string | undefined; waitedMs: number };
  released: { sessionId: string; heldMs: number };
  /** It will not be used again. `reason` says why, `evidence` what was seen. */
  retired: { sessionId: string; reason: string; evidence: string };
  /** It pauses; `site` names where, everywhere without it. */
  rested: { sessionId: string; site?: string | undefined; ms: number; reason: string; evidence: string };
  /** It is banned from this site for good, and goes on elsewhere. */
  banned: { sessionId: string; site: string; reason: string; evidence: string };
  /** Its lease ended while it was held: what the task did since is not saved. */
  lost: { sessionId: string; reason: string };
  /** An answer was judged. `where` is the URL without its query. */
  judged: { sessionId: string; where: string } & Judgement;
  /** A whole site rests for this process: it turned several users in a row away. */
  siteRested: { site: string; ms: number; reason: string };
  /** A site blocked so many users that it is left alone (`blockBreaker`); then one at a time goes there. */
  sitePaused: { site: string; ms: number; reason: string };
  /** It has served somebody again. */
  siteResumed: { site: string };
  /** A URL was refused to so many different users that it is the URL's fault. `where` is the URL without its query. */
  badUrl: { where: string; site: string; users: number };
  /** Its browser was brought up to date, headers and TLS together: from one major version to another. */
  browserUpdated: { sessionId: string; browser: string; from: number; to: number };
  /** A proxy failed, and nobody uses it for so long; then one session tries it. `proxy` is its id, or its address without credentials. */
  proxyQuarantined: { proxy: string; ms: number; reason: string };
  /** It works again: its other sessions follow. */
  proxyBack: { proxy: string };
  /** The source of proxies failed, or had none: those that are known are kept. */
  proxySourceFailed: { error: unknown; kept: number };
  /** A stored session that this troupe cannot read was passed over, and left as it is. */
  skipped: { sessionId: string; reason: string };
  /** `createSession` or `onCreate` failed so often that creation pauses. */
  creationPaused: { failures: number; ms: number; error: unknown };
  /** An account is locked, or its credentials are wrong: it is used no more, for `ms` or until somebody makes it ready. */
  accountParked: {
    accountId: string;
    state: 'locked' | 'bad-credentials';
    ms?: number | undefined;
    error: unknown;
  };
  /** A login failed for another reason: the account waits. */
  accountCooling: { accountId: string; ms: number; error: unknown };
  /** A session that was logged out is logged in again. */
  refreshed: { sessionId: string; accountId: string };
  /** The store's server is away, or does not answer: what needs it waits, and is tried again. Told once, until it is back. */
  storeAway: { error: unknown };
  /** It answers again, after so many milliseconds. */
  storeBack: { awayMs: number };
  /** Something failed in the background: a renewal, a listener. */
  error: { error: unknown; during: string };
}

export type PoolEventName = keyof PoolEvents;

const channelNames: readonly PoolEventName[] = [
  'created',
  'acquired',
  'released',
  'retired',
  'rested',
  'banned',
  'lost',
  'judged',
  'siteRested',
  'sitePaused',
  'siteResumed',
  'badUrl',
  'browserUpdated',
  'proxyQuarantined',
  'proxyBack',
  'proxySourceFailed',
  'skipped',
  'creationPaused',
  'accountParked',
  'accountCooling',
  'refreshed',
  'storeAway',
  'storeBack',
  'error',
];

const channels = Object.fromEntries(
  channelNames.map((name) => [name, diagnostics.channel(`troupe:${name}`)]),
) as Record<PoolEventName, diagnostics.Channel>;

/** Sends each event to the pool's listeners and to `node:diagnostics_channel` as `troupe:<name>`, with the pool's name. */
export class PoolEventBus {
  readonly #poolName: string;
  readonly #events: Events<PoolEvents>;

  constructor(poolName: string) {
    this.#poolName = poolName;
    this.#events = new Events<PoolEvents>((error) => {
      // A broken listener of `error` itself has nowhere else to go.
      process.emitWarning(error instanceof Error ? error : String(error), 'TroupeListenerWarning');
    });
  }

  on<Name extends PoolEventName>(name: Name, listener: (event: PoolEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Whether anyone listens: what is costly to tell is not put together for nobody. */
  isHeard(name: PoolEventName): boolean {
    return this.#events.has(name) || channels[name].hasSubscribers;
  }

  emit<Name extends PoolEventName>(name: Name, given: PoolEvents[Name]): void {
    // It may be of the user's own code, which may name a proxy with its password.
    const event = 'error' in given ? { ...given, error: maskError(given.error) } : given;
    this.#events.emit(name, event);
    const channel = channels[name];
    if (channel.hasSubscribers) channel.publish({ pool: this.#poolName, ...event });
  }
}
