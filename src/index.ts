export type { CookiePlace, SessionCookiesInput } from './cookies/session-cookies.ts';
export { SessionCookies } from './cookies/session-cookies.ts';
export { siteOf } from './cookies/site.ts';
export {
  AccountError,
  AcquireError,
  BlockedError,
  CreateError,
  LeaseError,
  OptionError,
  PoolClosedError,
  RateLimitedError,
  RuleError,
  StateError,
  StoreError,
  TroupeError,
  type TroupeErrorCode,
  type WaitingFacts,
} from './errors.ts';
export type {
  BrowserIdentity,
  BrowserName,
  DeviceKind,
  OperatingSystem,
} from './fingerprints/browser-identity.ts';
export { type Incoherence, incoherencesOf } from './fingerprints/coherence.ts';
export type { FingerprintOptions } from './fingerprints/options.ts';
export type { Clock } from './internal/clock.ts';
export { VERSION } from './internal/version.ts';
export type { Account, AccountSource } from './pool/accounts/account.ts';
export type { AccountAdmin, AccountView } from './pool/accounts/admin.ts';
export type { AccountContext, AccountOptions } from './pool/accounts/options.ts';
export type { BlockBreakerOptions, BrakeOptions } from './pool/brakes/options.ts';
export type { EncryptionKey } from './pool/encryption/keys.ts';
export type { PoolEventName, PoolEvents } from './pool/events.ts';
export type { PoolFetchInit } from './pool/fetch.ts';
export type { SessionLease } from './pool/lease.ts';
export type { AcquireOptions, CreateContext, RunOptions, SessionPoolOptions } from './pool/options.ts';
export type { FixedPace, PaceOptions } from './pool/pace/options.ts';
export { SessionPool } from './pool/pool.ts';
export type { PooledSession, SiteBlockView } from './pool/pooled-session.ts';
export type { ProxyOptions } from './pool/proxies/options.ts';
export type { ProxyStats } from './pool/proxies/pool-proxies.ts';
export type { ReviveOptions } from './pool/revive.ts';
export type { RunContext, Task } from './pool/run.ts';
export type { SitePaceStats } from './pool/sites.ts';
export type { VerdictCounts } from './pool/statistics.ts';
export type { PoolStats, SiteStats } from './pool/stats.ts';
export { type TroupeInfo, troupeInfo } from './pool/troupe-info.ts';
export type { ProxyRecord } from './proxies/proxy.ts';
export type { ProxyListInput, ProxySource } from './proxies/proxy-source.ts';
export type { Decision } from './session/decision.ts';
export type { SessionFetchInit } from './session/fetch-init.ts';
export type { Fingerprint, SessionProxy } from './session/identity.ts';
export type { SessionOptions, UserData } from './session/options.ts';
export { Session } from './session/session.ts';
export type { SessionDict, SessionModel } from './session/state.ts';
export { memoryStore } from './stores/memory/memory-store.ts';
export { openStore } from './stores/open-store.ts';
export { type SqliteStoreOptions, sqliteStore } from './stores/sqlite/sqlite-store.ts';
export type * from './stores/store.ts';
export { FetchError, type FetchErrorCode, type FetchPhase } from './transport/fetch-error.ts';
export type { AnswerHeaders } from './verdict/answer.ts';
export type { Judgement, Verdict } from './verdict/judge.ts';
export type { RuleAnswer, VerdictRule } from './verdict/rules.ts';
