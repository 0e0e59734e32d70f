import { createHash } from 'node:crypto';
import type { Sealing } from '../encryption/sealing.ts';

/**
 * The key of an account's session, of which a store keeps no two among the living. With an encryption key nobody can
 * tell from it which account it is; without one it is no secret, for the user name stands beside it in clear text.
 */
export function accountKey(account: string | undefined, sealing: Sealing | undefined): string | null {
  if (account === undefined) return null;
  if (sealing) return sealing.current.column('key', account);
  return createHash('sha256').update(account).digest('base64url');
}

/** The same for a body's text; `undefined` where it cannot be known. Also of a body that needs a newer troupe. */
export function storedAccountKey(body: string, sealing: Sealing): string | null | undefined {
  let account: unknown;
  try {
    account = JSON.parse(body).account;
  } catch {
    return undefined;
  }
  if (account === undefined || account === null) return null;
  return typeof account === 'string' ? accountKey(account, sealing) : undefined;
}
