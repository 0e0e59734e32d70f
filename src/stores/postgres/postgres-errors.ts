import { StoreError, TroupeError } from '../../errors.ts';

/** Codes of errors that pass, or that mean the server: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const AWAY = /^(08...|53...|57...|58...|25006|25P03|55P03)$/;
/** Two transactions stood in each other's way, or made the same thing: nothing was written, and again it will do. */
const IN_THE_WAY = new Set(['40001', '40P01', '23505']);
const NETWORK = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  ...['EAI_AGAIN', 'ENOTFOUND', 'ECONNABORTED', 'ENOENT'],
]);

const REASONS: Record<string, string> = {
  '28P01': 'it refuses the password, or the user',
  '28000': 'it does not let this user in',
  '3D000': 'it has no such database',
  '42501': 'this user has not the right',
  '53300': 'it has no connection left (max_connections)',
  '57P03': 'it is starting up or shutting down',
  '25006': 'it is read-only, as a standby is',
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no such host',
};

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  // Several addresses were tried, and none answered.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return undefined;
}

export function isInTheWay(error: unknown): boolean {
  return IN_THE_WAY.has(codeOf(error) ?? '');
}

/** A connection after it cannot be used again: all errors but those that a sound server answers. */
export function breaksConnection(error: unknown): boolean {
  const isServers = error instanceof Error && 'severity' in error;
  return !isServers || /^(08|57P|25P03)/.test(codeOf(error) ?? '');
}

/** The server is away, or went away before it answered. */
export function isAway(error: unknown): boolean {
  if (error instanceof TroupeError) return error.code === 'STORE_UNAVAILABLE';
  const code = codeOf(error);
  if (code !== undefined) return AWAY.test(code) || NETWORK.has(code);
  // `pg` has no codes for its own.
  return error instanceof Error && /connection|connect|timeout|not queryable/i.test(error.message);
}

/** What a caller gets. Where the server is (`where`) never holds a password. */
export function toStoreError(error: unknown, where: string): Error {
  if (error instanceof TroupeError) return error;
  const what = REASONS[codeOf(error) ?? ''] ?? (error instanceof Error ? error.message : String(error));
  if (isAway(error)) {
    return new StoreError('STORE_UNAVAILABLE', `PostgreSQL at ${where} does not answer: ${what}`, {
      cause: error,
    });
  }
  return new StoreError('STORE_UNUSABLE', `PostgreSQL at ${where} cannot be used: ${what}`, { cause: error });
}
