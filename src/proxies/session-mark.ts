import { createHash } from 'node:crypto';

/** What stands in a proxy's user name or password for a word of the session's own. */
export const SESSION_MARK = '{session}';

/** So many letters and digits hold apart any number of users, and are no longer than providers take. */
const TOKEN_LENGTH = 12;

export function hasSessionMark(url: string): boolean {
  return url.includes(SESSION_MARK);
}

/**
 * A user's word: letters and digits, always the same for the same user (a session's id, an account).
 * `rotation` counts the times when it was given another.
 */
export function sessionToken(user: string, rotation = 0): string {
  const hash = createHash('sha256').update(`${rotation} ${user}`).digest('hex');
  return BigInt(`0x${hash.slice(0, 32)}`)
    .toString(36)
    .padStart(TOKEN_LENGTH, '0')
    .slice(-TOKEN_LENGTH);
}

export function withToken(url: string, token: string): string {
  return url.replaceAll(SESSION_MARK, token);
}
