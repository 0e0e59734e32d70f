import { hostname } from 'node:os';
import type { Clock } from '../internal/clock.ts';
import { sessionInternals } from '../session/session.ts';
import type { SessionStore } from '../stores/store.ts';
import { AccountBook } from './accounts/account-book.ts';
import type { AccountList } from './accounts/account-list.ts';
import { Logins } from './accounts/logins.ts';
import { PoolAccounts } from './accounts/pool-accounts.ts';
import { Acquirer } from './acquire.ts';
import { acquireError } from './ask.ts';
import { BodyCache } from './bodies.ts';
import { BadUrls } from './brakes/bad-urls.ts';
import { PoolConnections } from './connections.ts';
import type { PoolContext } from './context.ts';
import { Creation } from './creation.ts';
import type { Sealing } from './encryption/sealing.ts';
import type { PoolEventBus } from './events.ts';
import type { PoolFingerprints } from './fingerprints.ts';
import { HeldLeases, type HeldListener } from './held.ts';
import type { PoolSettings } from './options.ts';
import { Outage } from './outage.ts';
import { paceDocument } from './pace/pace-document.ts';
import { retireBehind } from './proxies/gone.ts';
import { PoolProxies } from './proxies/pool-proxies.ts';
import { proxyDocument } from './proxies/proxy-document.ts';
import { ProxyTags } from './proxies/proxy-tags.ts';
import { Pruning } from './pruning.ts';
import { RemoteStore } from './remote-store.ts';
import { Retirement } from './retirement.ts';
import { SiteGate } from './site-gate.ts';
import { SiteTraffic } from './sites.ts';
import { Statistics } from './statistics.ts';
import { Stock } from './stock.ts';
import { StockNotice } from './stock-notice.ts';
import { StoreClock } from './store-clock.ts';

/** A pool's parts, put together over an open store. */
export interface PoolCore {
  readonly context: PoolContext;
  readonly held: HeldLeases;
  readonly acquirer: Acquirer;
  readonly pruning: Pruning;
  readonly retirement: Retirement;
  readonly stock: Stock;
  readonly book: AccountBook;
  readonly accounts: PoolAccounts | undefined;
}

export function poolCore(
  settings: PoolSettings,
  given: SessionStore,
  events: PoolEventBus,
  clock: Clock,
  sharesClock: boolean,
  sealing: Sealing | undefined,
  fingerprints: PoolFingerprints | undefined,
  accountList: AccountList | undefined,
): PoolCore {
  const outage = new Outage(clock, events, () => {
    held.renewSoon();
    acquirer.line.offer();
  });
  let store = given;
  let storeClock = clock;
  if (given.capabilities.shared === 'network') {
    const learning = new StoreClock(clock);
    storeClock = learning;
    store = new RemoteStore(given, outage, learning, clock, settings.leaseMs);
  }
  const document = proxyDocument(store);
  const proxyTags = new ProxyTags(sealing, document);
  const proxyParts = { settings, store, storeClock, clock, events, tags: proxyTags, document };
  const hasProxies = settings.proxies !== undefined || settings.session.proxy !== undefined;
  const isShared = store.capabilities.shared !== 'process';
  const context: PoolContext = {
    settings,
    clock,
    storeClock,
    sharesClock,
    monotonic: sharesClock ? () => clock.now() : () => clock.monotonic(),
    store,
    outage,
    events,
    bodies: new BodyCache(store.capabilities.bodies, settings.maxOpenSessions, sealing),
    sealing,
    connections: new PoolConnections({
      maxOpen: settings.maxOpenSessions,
      timeoutMs: settings.requestTimeoutMs,
      transport: settings.transport,
    }),
    fingerprints,
    proxies: hasProxies
      ? new PoolProxies(
          proxyParts,
          () => acquirer.line.offer(),
          (tags) => retireBehind(tags, context, retirement),
        )
      : undefined,
    proxyTags,
    sites: new SiteTraffic(
      clock,
      settings,
      events,
      isShared ? { document: paceDocument(store), storeClock } : undefined,
    ),
    badUrls: new BadUrls(store, events),
    statistics: new Statistics(clock),
    holder: `${hostname()}:${process.pid}`,
  };
  const pruning = new Pruning(context);
  const { timeoutMs } = settings;
  const gate = new SiteGate(context.sites, timeoutMs, (site) =>
    acquireError('ACQUIRE_TIMEOUT', { id: undefined, site, timeoutMs }, context, 'no place became'),
  );
  const book = new AccountBook(context.store, sealing);
  const accounts = accountList && new PoolAccounts(context, accountList, book);
  const retirement = new Retirement(context, accounts, pruning);
  const listener: HeldListener = {
    freed: (sessionId) => acquirer.line.offer(sessionId),
    died: (lease, reason) => {
      const { session, grant } = lease;
      const { usageCount, errorScore } = session;
      const createdAt = sessionInternals.createdAt(session);
      const expiresAt = sessionInternals.expiresAt(session);
      const columns = { id: grant.id, createdAt, expiresAt, usageCount, errorScore };
      retirement.died(columns, lease.readStoredBody(), reason);
    },
  };
  const notice = new StockNotice(context);
  const held = new HeldLeases(context, gate, listener, accounts && new Logins(context, accounts));
  const acquirer = new Acquirer(context, held, new Creation(context, accounts), retirement, notice);
  const stock = new Stock(context, acquirer, notice);
  return { context, held, acquirer, pruning, retirement, stock, book, accounts };
}
