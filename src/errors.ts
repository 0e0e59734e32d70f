/** The stable codes that a {@link TroupeError} carries; match on these, never on the message. */
export type TroupeErrorCode =
  | 'INVALID_OPTION'
  | 'INVALID_INPUT'
  | 'INVALID_STATE'
  | 'STATE_TOO_NEW'
  | 'STORE_UNUSABLE'
  | 'STORE_BUSY'
  | 'STORE_UNAVAILABLE'
  | 'STORE_CLOSED'
  | 'WRONG_KEY'
  | 'DUPLICATE_SESSION'
  | 'POOL_FULL'
  | 'PROXY_FULL'
  | 'POOL_CLOSED'
  | 'ACQUIRE_TIMEOUT'
  | 'NO_SESSION'
  | 'CREATE_FAILED'
  | 'CREATION_PAUSED'
  | 'LEASE_ENDED'
  | 'LEASE_LOST'
  | 'BLOCKED'
  | 'RATE_LIMITED'
  | 'ACCOUNT_LOCKED'
  | 'ACCOUNT_BAD_CREDENTIALS'
  | 'RULE_FAILED'
  | 'MISSING_PACKAGE';

/**
 * The base of every error that troupe makes. `code` is stable, `cause` is what led to it, and the
 * facts (which option, which session, how many) are fields of the subclass, not only words of the message.
 */
export class TroupeError extends Error {
  readonly code: TroupeErrorCode;

  constructor(code: TroupeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An option or argument is not what it must be. `option` names it, as the caller wrote it. */
export class OptionError extends TroupeError {
  readonly option: string;

  constructor(option: string, message: string, options?: ErrorOptions) {
    super('INVALID_OPTION', message, options);
    this.option = option;
  }
}

/**
 * Stored or given session state is malformed (`INVALID_STATE`), from a newer troupe (`STATE_TOO_NEW`), or sealed with
 * another key than those given (`WRONG_KEY`).
 */
export class StateError extends TroupeError {
  /** The field that is wrong, as a path: `cookies.0.name`. */
  readonly field: string;

  constructor(
    code: 'INVALID_STATE' | 'STATE_TOO_NEW' | 'WRONG_KEY',
    field: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.field = field;
  }
}

/**
 * A store cannot do it: a corrupt, foreign or newer file, a wrong URL or password, an id it has. Nothing was changed.
 * `STORE_UNAVAILABLE`: its server is away, or went away before it answered; what was asked may have been done or not, and
 * asking again is right. `WRONG_KEY`: what it holds is sealed, and the keys given are not those in force; or it is not sealed,
 * and a key was given.
 */
export class StoreError extends TroupeError {
  constructor(
    code:
      | 'STORE_UNUSABLE'
      | 'STORE_BUSY'
      | 'STORE_UNAVAILABLE'
      | 'STORE_CLOSED'
      | 'WRONG_KEY'
      | 'DUPLICATE_SESSION'
      | 'POOL_FULL'
      | 'PROXY_FULL',
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** The pool is closed or draining: it gives out no more sessions. */
export class PoolClosedError extends TroupeError {
  constructor(message: string) {
    super('POOL_CLOSED', message);
  }
}

/** What the pool held when nobody could be given out: what an error, a log or a person needs to see why. */
export interface WaitingFacts {
  leased: number;
  resting: number;
  /** Sessions banned from the asked site; 0 when no site was asked for. */
  banned: number;
  retired: number;
  /** Milliseconds until the next session is expected, or `null` if none is. */
  nextReadyInMs: number | null;
}

/**
 * No session in time (`ACQUIRE_TIMEOUT`: worth waiting longer), or none can ever become free as things
 * stand (`NO_SESSION`: waiting would not help).
 */
export class AcquireError extends TroupeError {
  readonly facts: WaitingFacts;

  constructor(code: 'ACQUIRE_TIMEOUT' | 'NO_SESSION', message: string, facts: WaitingFacts) {
    super(code, message);
    this.facts = facts;
  }
}

/**
 * `createSession` or `onCreate` failed (`CREATE_FAILED`, with the failure as `cause`), or it failed so often
 * that the pool pauses creation (`CREATION_PAUSED`).
 */
export class CreateError extends TroupeError {
  /** Failures in a row, this one included. */
  readonly failures: number;
  /** Milliseconds until the pool tries to create again, or 0 when it may at once. */
  readonly retryInMs: number;

  constructor(
    code: 'CREATE_FAILED' | 'CREATION_PAUSED',
    message: string,
    facts: { failures: number; retryInMs: number },
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.failures = facts.failures;
    this.retryInMs = facts.retryInMs;
  }
}

/** The lease is over: given back (`LEASE_ENDED`), or taken away or run out while it was held (`LEASE_LOST`). */
export class LeaseError extends TroupeError {
  readonly sessionId: string;

  constructor(
    code: 'LEASE_ENDED' | 'LEASE_LOST',
    sessionId: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.sessionId = sessionId;
  }
}

/** Throw it in `pool.run` to say "this user is blocked here": the pool judges as if the site had said so. */
export class BlockedError extends TroupeError {
  constructor(message = 'blocked by the site', options?: ErrorOptions) {
    super('BLOCKED', message, options);
  }
}

/** Throw it in `pool.run` to say "the site wants this user to slow down". */
export class RateLimitedError extends TroupeError {
  /** How long the session rests for the site, in milliseconds; the pool's own back-off without it. */
  readonly retryAfterMs: number | undefined;

  constructor(message = 'rate-limited by the site', options?: ErrorOptions & { retryAfterMs?: number }) {
    super('RATE_LIMITED', message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/**
 * Throw it in `onCreate` or `refresh` to say "this account is locked", or "its credentials are wrong": it is parked, and
 * the pool goes on with another. `locked` with `retryAfterMs` is over by itself.
 */
export class AccountError extends TroupeError {
  readonly reason: 'locked' | 'bad-credentials';
  /** How long it is locked, in milliseconds; until somebody makes it ready, without it. */
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: 'locked' | 'bad-credentials',
    message = reason === 'locked' ? 'the account is locked' : 'the credentials are wrong',
    options?: ErrorOptions & { retryAfterMs?: number },
  ) {
    super(reason === 'locked' ? 'ACCOUNT_LOCKED' : 'ACCOUNT_BAD_CREDENTIALS', message, options);
    this.reason = reason;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** A verdict rule of your own threw, or answered what is no answer. It was passed over; `cause` is what it threw. */
export class RuleError extends TroupeError {
  /** The rule's name. */
  readonly rule: string;

  constructor(rule: string, message: string, options?: ErrorOptions) {
    super('RULE_FAILED', message, options);
    this.rule = rule;
  }
}
