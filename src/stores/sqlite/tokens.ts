import { randomFillSync } from 'node:crypto';

const TOKEN_BYTES = 16;
/** Random bytes are drawn for 256 tokens at once: one draw costs as much as a whole statement. */
const pool = Buffer.alloc(TOKEN_BYTES * 256);
let used = pool.length;

function random(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += TOKEN_BYTES;
  return pool.toString('base64url', used - TOKEN_BYTES, used);
}

/** A token names its row, so that a release finds it without the index of the ids. */
export function sessionToken(sid: number): string {
  return `${sid.toString(36)}.${random()}`;
}

export function placeToken(): string {
  return `-.${random()}`;
}

export function placeId(): string {
  return `place-${random()}`;
}

export function isPlaceToken(token: string): boolean {
  return token.startsWith('-.');
}

/** NaN for what was never a token; it then matches no row. */
export function sidOf(token: string): number {
  return Number.parseInt(token, 36);
}
