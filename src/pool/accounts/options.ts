import { callable, number, type OptionCheck } from '../../internal/options.ts';
import type { Session } from '../../session/session.ts';
import { type Account, type AccountSource, accountSource } from './account.ts';
import { MAX_LOGINS } from './record.ts';

/** Passed to what a pool calls to look after a session's login. */
export interface AccountContext {
  /** The account that the session is of; absent where the pool has no `accounts`. */
  readonly account?: Account;
  /** Aborts when the time is up, nobody waits any more, or the pool closes. */
  readonly signal: AbortSignal;
}

/** The options of a pool whose sessions log in. */
export interface AccountOptions {
  /**
   * Accounts that sessions log in as, each by one living session at most, in all processes of a store: a list, or a function
   * that gives it. Every new session then belongs to one. Their sessions have no limit of age or uses unless `session` gives one.
   * A function is asked when the pool opens, and again, at most once a minute, when no account is left.
   * @default none
   */
  accounts?: AccountSource;
  /**
   * How often an account logs in within 24 hours, in all processes of a store; 1 to 1000. Counted before the login is tried.
   * @default 5
   */
  maxLoginsPerDay?: number;
  /**
   * How long `createSession` and `onCreate`, and `check`, `refresh` and `onRetire`, may take, in milliseconds, 100 to 900 000.
   * An account whose login was cut short by a crash may log in again after this and `leaseMs`.
   * @default 60_000
   */
  createTimeoutMs?: number;
  /** Whether a session is still logged in. Called when it is given back after a use; it is leased meanwhile. */
  check?: (session: Session, context: AccountContext) => boolean | Promise<boolean>;
  /**
   * How long ago the last look must be before `check` looks again, in milliseconds; 0: after each use.
   * @default 0
   */
  checkEveryMs?: number;
  /**
   * Logs a session in again that was logged out: by a 401, by a rule with the verdict `logged-out`, or by `check`. It is leased
   * meanwhile; the request is then sent again as the same session. Counts as a login.
   */
  refresh?: (session: Session, context: AccountContext) => unknown;
  /**
   * Called once a session is dead, to log it out: nobody else has it. Not for what dies between two uses, of age.
   */
  onRetire?: (session: Session, reason: string, context: AccountContext) => unknown;
  /**
   * Sessions kept ready in stock: made in the background, up to `maxPoolSize`. `pool.open()` begins; the process then stays
   * alive until the pool is closed.
   * @default 0
   */
  minReady?: number;
}

export const ACCOUNT_DEFAULTS = {
  maxLoginsPerDay: 5,
  createTimeoutMs: 60_000,
  checkEveryMs: 0,
  minReady: 0,
} as const satisfies AccountOptions;

export const accountChecks: Record<keyof AccountOptions, OptionCheck> = {
  accounts: accountSource,
  maxLoginsPerDay: number({ min: 1, max: MAX_LOGINS, integer: true }),
  createTimeoutMs: number({ min: 100, max: 900_000 }),
  check: callable,
  checkEveryMs: number({ max: 365 * 86_400_000 }),
  refresh: callable,
  onRetire: callable,
  minReady: number({ max: 10_000_000, integer: true }),
};
