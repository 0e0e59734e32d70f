import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
const supply = Buffer.alloc(ID_BYTES * 256);
let used = supply.length;

/**
 * An unguessable, URL-safe id: 128 random bits in 22 characters. Random bytes are drawn by the page, since a call
 * into the kernel per id costs more than everything else about a new session.
 */
export function newSessionId(): string {
  if (used === supply.length) {
    randomFillSync(supply);
    used = 0;
  }
  const start = used;
  used += ID_BYTES;
  const id = supply.toString('base64url', start, used);
  supply.fill(0, start, used);
  return id;
}
