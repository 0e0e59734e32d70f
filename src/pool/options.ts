import { OptionError } from '../errors.ts';
import { type FingerprintOptions, fingerprintOptions } from '../fingerprints/options.ts';
import type { Clock } from '../internal/clock.ts';
import {
  callable,
  checkOptions,
  describe,
  number,
  type OptionCheck,
  oneOf,
  plainObject,
  signal,
  text,
} from '../internal/options.ts';
import { checkSessionOptions, type SessionOptions } from '../session/options.ts';
import { Session } from '../session/session.ts';
import type { Fill, Rotation, SessionStore } from '../stores/store.ts';
import { type CompiledRule, readRules, type VerdictRule } from '../verdict/rules.ts';
import type { Account } from './accounts/account.ts';
import { ACCOUNT_DEFAULTS, type AccountOptions, accountChecks } from './accounts/options.ts';
import {
  type BlockBreakerOptions,
  type BrakeOptions,
  blockBreakerOf,
  brakeChecks,
} from './brakes/options.ts';
import { type EncryptionKey, readKeys } from './encryption/keys.ts';
import { Sealing } from './encryption/sealing.ts';
import { PACE_DEFAULTS, type PaceOptions, paceChecks } from './pace/options.ts';
import { PROXY_DEFAULTS, type ProxyOptions, proxyChecks } from './proxies/options.ts';

export interface SessionPoolOptions extends ProxyOptions, AccountOptions, PaceOptions, BrakeOptions {
  /**
   * Names the pool in events and messages.
   * @default 'default'
   */
  name?: string;
  /**
   * Where sessions live: a store, or its URL (`sqlite:troupe.db`), opened on first use. A pool closes a store that it
   * opened itself.
   * @default a store in memory
   */
  store?: SessionStore | string;
  /**
   * Seals what a store keeps of a session (cookies, user data, proxy, decisions) with AES-256-GCM: 32 bytes, a text of
   * `troupe keys new`, or several of them, of which the first seals and all open. `null`: none, whatever the
   * environment says. A store in memory has nothing at rest, and needs none.
   * @default `TROUPE_KEY` of the environment, if it is set
   */
  encryptionKey?: EncryptionKey | readonly EncryptionKey[] | null;
  /**
   * How many usable sessions there may be, those being made included; 1 to 10 000 000. Dead ones do not count.
   * @default 1000
   */
  maxPoolSize?: number;
  /**
   * Which session is next: `'round-robin'` the least recently used, `'random'`, or `'use-until-failure'` the one used last.
   * @default 'round-robin'
   */
  rotation?: Rotation;
  /**
   * When a new session is made: `'on-demand'` only when none is free, `'first'` before any is used twice.
   * @default 'on-demand'
   */
  fill?: Fill;
  /**
   * `false`: only uses what others put in; makes none.
   * @default true
   */
  create?: boolean;
  /** Options of every new session. */
  session?: Omit<SessionOptions, 'id' | 'createdAt' | 'usageCount' | 'errorScore' | 'clock'>;
  /**
   * Gives each new session a browser of its own for life: `true`, or which ones. Needs the package `fingerprint-generator`.
   * @default false
   */
  fingerprints?: boolean | FingerprintOptions;
  /**
   * What sends requests: `'undici'`, or `'impit'` (a package of its own), whose TLS and HTTP/2 are those of the session's
   * browser.
   * @default 'undici'
   */
  transport?: 'undici' | 'impit';
  /** Makes a session. @default `(options) => new Session(options)` */
  createSession?: (options: SessionOptions, context: CreateContext) => Session | Promise<Session>;
  /** Warms a new session up before anyone gets it: accept the terms, log in. Its lease is held all along. */
  onCreate?: (session: Session, context: CreateContext) => unknown;
  /**
   * Failures of `createSession` or `onCreate` in a row after which the pool pauses creation.
   * @default 8
   */
  maxCreateFailures?: number;
  /**
   * The lease's length in milliseconds, 100 to 3 600 000. Held leases renew themselves at a third of it; after a crash
   * this is how long a session stays locked.
   * @default 60_000
   */
  leaseMs?: number;
  /**
   * How long a lease may be held in all, in milliseconds; then its signal aborts.
   * @default 900_000
   */
  maxHoldMs?: number;
  /**
   * How long `acquire` waits for a session, in milliseconds.
   * @default 60_000
   */
  timeoutMs?: number;
  /**
   * How often `fetch` tries again as another user, where the verdict and the method allow it.
   * @default 3
   */
  retries?: number;
  /**
   * What a block costs: `'site'` bans the session from that site, `'session'` retires it.
   * @default 'site'
   */
  blockScope?: 'site' | 'session';
  /**
   * Your own rules on what an answer says about its user, asked before those of the verdict table; the first that
   * matches decides.
   * @default []
   */
  rules?: readonly VerdictRule[];
  /**
   * Pause between two uses of one session, in milliseconds: at least so long, and up to a fifth longer, by chance.
   * @default 0
   */
  minDelayMs?: number;
  /**
   * Users of this process that may be at one site at once.
   * @default 8
   */
  maxConcurrentPerSite?: number;
  /**
   * The longest rest after a rate limit, in milliseconds, whatever the site asks for.
   * @default 3_600_000
   */
  maxRestMs?: number;
  /**
   * How long retired, expired and used-up sessions are kept for the record, in milliseconds; at most 10 000 of them.
   * @default 604_800_000
   */
  keepRetiredMs?: number;
  /**
   * The largest body that `fetch` reads, in bytes.
   * @default 33_554_432
   */
  maxBodyBytes?: number;
  /**
   * Time to connect, to the headers, and between two pieces of a body, in milliseconds each.
   * @default 30_000
   */
  requestTimeoutMs?: number;
  /**
   * Sessions that may keep connections open between uses.
   * @default 1000
   */
  maxOpenSessions?: number;
  /** Where time comes from. @default the system's clock */
  clock?: Clock;
}

const DAY_MS = 86_400_000;

export const POOL_DEFAULTS = {
  ...PROXY_DEFAULTS,
  ...ACCOUNT_DEFAULTS,
  name: 'default',
  maxPoolSize: 1000,
  rotation: 'round-robin',
  fill: 'on-demand',
  create: true,
  fingerprints: false,
  transport: 'undici',
  maxCreateFailures: 8,
  leaseMs: 60_000,
  maxHoldMs: 900_000,
  timeoutMs: 60_000,
  retries: 3,
  blockScope: 'site',
  rules: [],
  minDelayMs: 0,
  maxConcurrentPerSite: 8,
  maxRestMs: 3_600_000,
  keepRetiredMs: 7 * DAY_MS,
  maxBodyBytes: 32 * 1024 * 1024,
  requestTimeoutMs: 30_000,
  maxOpenSessions: 1000,
  ...PACE_DEFAULTS,
} as const satisfies SessionPoolOptions;

const store: OptionCheck = (value, path) => {
  const isStore = value !== null && typeof value === 'object' && 'lease' in value && 'capabilities' in value;
  if (!isStore && typeof value !== 'string') {
    throw new OptionError(
      path,
      `option "${path}" must be a store or a URL such as "sqlite:troupe.db"; got ${describe(value)}`,
    );
  }
};

const session: OptionCheck = (value, path) => {
  plainObject(value, path);
  for (const own of ['id', 'createdAt', 'usageCount', 'errorScore', 'clock']) {
    if (Object.hasOwn(value as object, own)) {
      throw new OptionError(
        `${path}.${own}`,
        `option "${path}.${own}" cannot be the same for all sessions; use createSession`,
      );
    }
  }
  checkSessionOptions(value as SessionOptions, path);
  // What only shows when a session is made of it (cookies, a proxy) shows here, and not at the first use.
  new Session(value as SessionOptions);
};

const fingerprints: OptionCheck = (value, path) => {
  if (typeof value !== 'boolean') fingerprintOptions(value, path);
};

const clock: OptionCheck = (value, path) => {
  const { now, monotonic } = (value ?? {}) as Partial<Clock>;
  if (typeof now !== 'function' || typeof monotonic !== 'function') {
    throw new OptionError(path, `option "${path}" must have now() and monotonic(); got ${describe(value)}`);
  }
};

const longMs = number({ max: 365 * DAY_MS });

const poolChecks: Record<keyof SessionPoolOptions, OptionCheck> = {
  ...proxyChecks,
  ...accountChecks,
  name: text,
  store,
  encryptionKey: readKeys,
  maxPoolSize: number({ min: 1, max: 10_000_000, integer: true }),
  rotation: oneOf('round-robin', 'random', 'use-until-failure'),
  fill: oneOf('on-demand', 'first'),
  create: oneOf(true, false),
  session,
  fingerprints,
  transport: oneOf('undici', 'impit'),
  createSession: callable,
  onCreate: callable,
  maxCreateFailures: number({ min: 1, integer: true }),
  leaseMs: number({ min: 100, max: 3_600_000 }),
  maxHoldMs: number({ min: 100, max: 7 * DAY_MS }),
  timeoutMs: longMs,
  retries: number({ max: 1000, integer: true }),
  blockScope: oneOf('site', 'session'),
  rules: readRules,
  minDelayMs: longMs,
  maxConcurrentPerSite: number({ min: 1, integer: true }),
  maxRestMs: longMs,
  keepRetiredMs: number({ max: 3650 * DAY_MS }),
  maxBodyBytes: number({ min: 1, integer: true }),
  requestTimeoutMs: number({ min: 1, max: 3_600_000 }),
  maxOpenSessions: number({ min: 1, integer: true }),
  clock,
  ...paceChecks,
  ...brakeChecks,
};

/** A pool's options, checked, with every default in place. */
export type PoolSettings = Required<
  Omit<SessionPoolOptions, 'store' | 'encryptionKey' | OptionalOption | 'rules' | 'clock' | 'blockBreaker'>
> & {
  readonly rules: readonly CompiledRule[];
  readonly blockBreaker: Required<BlockBreakerOptions> | null;
} & Pick<SessionPoolOptions, OptionalOption>;

/** Without a default: absent, there is none. */
type OptionalOption =
  | 'createSession'
  | 'onCreate'
  | 'proxies'
  | 'accounts'
  | 'check'
  | 'refresh'
  | 'onRetire';

/**
 * Checks a pool's options and adds the defaults.
 * @throws OptionError naming a wrong or unknown option
 */
export function poolSettings(options: SessionPoolOptions): PoolSettings {
  checkOptions(options, poolChecks);
  checkTogether(options);
  const { store: _store, encryptionKey: _key, clock, ...given } = options;
  const settings: Record<string, unknown> = { ...POOL_DEFAULTS };
  // An account is worth more than its address.
  if (given.accounts !== undefined) settings.onProxyGone = 'rebind';
  for (const [name, value] of Object.entries(given)) if (value !== undefined) settings[name] = value;
  settings.rules = readRules(options.rules ?? POOL_DEFAULTS.rules);
  settings.blockBreaker = blockBreakerOf(options.blockBreaker);
  // Frozen, so that sessions made from it are checked once.
  settings.session = Object.freeze({ ...sessionOptions(options), ...(clock === undefined ? {} : { clock }) });
  return settings as PoolSettings;
}

/** Options that are right one by one, and do not go together. */
function checkTogether({ proxies, session }: SessionPoolOptions): void {
  if (proxies === undefined || session?.proxy === undefined) return;
  throw new OptionError(
    'proxies',
    'option "proxies": all sessions have the proxy of option "session.proxy" already; give one of the two',
  );
}

/** A login is worth more than a cookie: it lasts until the site ends it, unless the options say otherwise. */
function sessionOptions({ accounts, session: given }: SessionPoolOptions): SessionPoolOptions['session'] {
  if (accounts === undefined) return given;
  const { maxAgeMs, maxUsageCount } = given ?? {};
  return {
    ...given,
    maxAgeMs: maxAgeMs === undefined ? null : maxAgeMs,
    maxUsageCount: maxUsageCount === undefined ? null : maxUsageCount,
  };
}

/**
 * What seals the bodies, if a key is given by option or environment.
 * @throws OptionError where it is none; an empty variable too, since what was meant to be sealed must not be in clear text
 */
export function sealingOf({ encryptionKey }: SessionPoolOptions): Sealing | undefined {
  const fromEnvironment = process.env.TROUPE_KEY ?? null;
  const [first, ...others] =
    encryptionKey === undefined
      ? readKeys(fromEnvironment, 'TROUPE_KEY')
      : readKeys(encryptionKey, 'encryptionKey');
  return first && new Sealing([first, ...others]);
}

/** Passed to `createSession` and `onCreate`. */
export interface CreateContext {
  /** The account that the session is of; absent where the pool has no `accounts`. */
  readonly account?: Account;
  /** Aborts when nobody waits for the session any more, `createTimeoutMs` is over, or the pool closes. */
  readonly signal: AbortSignal;
}

export interface AcquireOptions {
  /** Only this session. */
  id?: string;
  /** What it is wanted for: a session banned from, or resting for, this URL's site is passed over. */
  url?: string | URL;
  /** The same by the site's name. */
  site?: string;
  /** How long to wait, in milliseconds. @default the pool's `timeoutMs` */
  timeoutMs?: number;
  /** How long it may be held, in milliseconds. @default the pool's `maxHoldMs` */
  maxHoldMs?: number;
  /** Gives the wait up. */
  signal?: AbortSignal;
}

const url: OptionCheck = (value, path) => {
  const parsed = value instanceof URL ? value : typeof value === 'string' ? URL.parse(value) : null;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new OptionError(path, `option "${path}" must be an http or https URL; got ${describe(value)}`);
  }
};

const acquireChecks: Record<keyof AcquireOptions, OptionCheck> = {
  id: text,
  url,
  site: text,
  timeoutMs: longMs,
  maxHoldMs: poolChecks.maxHoldMs,
  signal,
};

/** @throws OptionError */
export function checkAcquireOptions(options: AcquireOptions): void {
  checkOptions(options, acquireChecks);
}

export interface RunOptions extends AcquireOptions {
  /** How often to try again as another user when the verdict is not `ok`. @default 0 */
  retries?: number;
}

/** @throws OptionError */
export function checkRunOptions(options: RunOptions): void {
  checkOptions(options, { ...acquireChecks, retries: poolChecks.retries });
}

/** @throws OptionError for what troupe adds to `fetch`; the rest is the standard's to check */
export function checkFetchInit(init: object): void {
  const { id, retries, stream, timeoutMs, maxBodyBytes } = init as Record<string, unknown>;
  checkOptions(
    { id, retries, stream, timeoutMs, maxBodyBytes },
    {
      id: text,
      retries: poolChecks.retries,
      stream: oneOf(true, false),
      timeoutMs: longMs,
      maxBodyBytes: poolChecks.maxBodyBytes,
    },
  );
}
