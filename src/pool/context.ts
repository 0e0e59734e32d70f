import type { Clock } from '../internal/clock.ts';
import type { SessionStore } from '../stores/store.ts';
import type { BodyCache } from './bodies.ts';
import type { BadUrls } from './brakes/bad-urls.ts';
import type { PoolConnections } from './connections.ts';
import type { Sealing } from './encryption/sealing.ts';
import type { PoolEventBus } from './events.ts';
import type { PoolFingerprints } from './fingerprints.ts';
import type { PoolSettings } from './options.ts';
import type { Outage } from './outage.ts';
import type { PoolProxies } from './proxies/pool-proxies.ts';
import type { ProxyTags } from './proxies/proxy-tags.ts';
import type { SiteTraffic } from './sites.ts';
import type { Statistics } from './statistics.ts';

/** What the parts of one pool share. */
export interface PoolContext {
  readonly settings: PoolSettings;
  /** This machine's: for the age of leases, and for waiting. */
  readonly clock: Clock;
  /** What sessions live by, their instants and their age; the store's own, where its server has one. */
  readonly storeClock: Clock;
  /** Whether the store goes by our very clock, so that a lease ends for it and for us at once. */
  readonly sharesClock: boolean;
  /** For the age of leases: monotonic time, or the clock that the store shares with us. */
  readonly monotonic: () => number;
  readonly store: SessionStore;
  /** Whether the store is away. */
  readonly outage: Outage;
  readonly events: PoolEventBus;
  readonly bodies: BodyCache;
  /** What seals the bodies of a store of text, if there is a key. */
  readonly sealing: Sealing | undefined;
  readonly connections: PoolConnections;
  /** What gives sessions their browsers, where the pool wants it. */
  readonly fingerprints: PoolFingerprints | undefined;
  /** The proxies of sessions, where the pool gives them or all have one. */
  readonly proxies: PoolProxies | undefined;
  /** By which a store finds the sessions of one proxy, also one that a session brought along. */
  readonly proxyTags: ProxyTags;
  readonly sites: SiteTraffic;
  readonly badUrls: BadUrls;
  readonly statistics: Statistics;
  /** `host:pid`, for people to read. */
  readonly holder: string;
}
