import { randomFillSync } from 'node:crypto';

const TOKEN_BYTES = 16;
/** Random bytes are drawn for 256 tokens at once: a draw of its own costs as much as the rest of a call. */
const pool = Buffer.alloc(TOKEN_BYTES * 256);
let used = pool.length;

export function newToken(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += TOKEN_BYTES;
  return pool.toString('base64url', used - TOKEN_BYTES, used);
}

/** Begins with a sign that is in no session's token, and carries whose it is. */
export function placeToken(token: string, holder: string): string {
  return `.${token} ${holder}`;
}
