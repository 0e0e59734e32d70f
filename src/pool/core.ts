import { hostname } from 'node:os';
import type { Clock } from '../internal/clock.ts';
import type { SessionStore } from '../stores/store.ts';
import { Acquirer } from './acquire.ts';
import { acquireError } from './ask.ts';
import { BodyCache } from './bodies.ts';
import { PoolConnections } from './connections.ts';
import type { PoolContext } from './context.ts';
import { Creation } from './creation.ts';
import type { Sealing } from './encryption/sealing.ts';
import type { PoolEventBus } from './events.ts';
import { HeldLeases } from './held.ts';
import type { PoolSettings } from './options.ts';
import { Pruning } from './pruning.ts';
import { SiteGate } from './site-gate.ts';
import { SiteTraffic } from './sites.ts';
import { Statistics } from './statistics.ts';

/** A pool's parts, put together over an open store. */
export interface PoolCore {
  readonly context: PoolContext;
  readonly held: HeldLeases;
  readonly acquirer: Acquirer;
  readonly pruning: Pruning;
}

export function poolCore(
  settings: PoolSettings,
  store: SessionStore,
  events: PoolEventBus,
  clock: Clock,
  sharesClock: boolean,
  sealing: Sealing | undefined,
): PoolCore {
  const context: PoolContext = {
    settings,
    clock,
    sharesClock,
    monotonic: sharesClock ? () => clock.now() : () => clock.monotonic(),
    store,
    events,
    bodies: new BodyCache(store.capabilities.bodies, settings.maxOpenSessions, sealing),
    sealing,
    connections: new PoolConnections({
      maxOpen: settings.maxOpenSessions,
      timeoutMs: settings.requestTimeoutMs,
    }),
    sites: new SiteTraffic(clock, settings),
    statistics: new Statistics(clock),
    holder: `${hostname()}:${process.pid}`,
  };
  const pruning = new Pruning(context);
  const { timeoutMs } = settings;
  const gate = new SiteGate(context.sites, timeoutMs, (site) =>
    acquireError('ACQUIRE_TIMEOUT', { id: undefined, site, timeoutMs }, context, 'no place became'),
  );
  const held = new HeldLeases(context, gate, {
    freed: (sessionId) => acquirer.line.offer(sessionId),
    died: () => pruning.died(),
  });
  const acquirer = new Acquirer(context, held, new Creation(context));
  return { context, held, acquirer, pruning };
}
