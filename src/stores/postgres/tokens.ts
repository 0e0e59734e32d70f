import { crc32 } from 'node:zlib';
import type { Lease } from '../store.ts';

/** A lease as the server knows it. */
export interface HeldLease {
  /** `null`: a place. */
  readonly sid: number | null;
  readonly token: string;
  readonly fence: number;
  /** Where its row lay when it was leased; it may have moved. */
  readonly place: string;
}

const TOKEN =
  /^(-|[0-9a-z]{1,11})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-z]{1,7})(?:\.(\d{1,10},\d{1,5}))?$/;

/**
 * A token names its row and says where that lies, so that a release finds it without an index, and bears a sum of the id, so that
 * one which is sent with another id is known without a look at `record`. What must not be guessed is the UUID.
 */
export function sessionLease(id: string, sid: number, token: string, fence: number, place?: string): Lease {
  const where = place === undefined ? '' : `.${place.slice(1, -1)}`;
  return { id, token: `${sid.toString(36)}.${token}.${sumOf(id)}${where}`, fence };
}

export function placeLease(token: string): Lease {
  return { id: '', token: `-.${token}.0`, fence: 1 };
}

/** `undefined`: never was a lease of ours. */
export function heldLease(lease: Lease): HeldLease | undefined {
  const [, sid, token, sum, where = '0,0'] = TOKEN.exec(lease.token) ?? [];
  if (sid === undefined || token === undefined || !Number.isSafeInteger(lease.fence)) return undefined;
  if (sid === '-') return sum === '0' ? { sid: null, token, fence: lease.fence, place: '' } : undefined;
  return sum === sumOf(lease.id)
    ? { sid: Number.parseInt(sid, 36), token, fence: lease.fence, place: `(${where})` }
    : undefined;
}

function sumOf(id: string): string {
  return crc32(id).toString(36);
}
