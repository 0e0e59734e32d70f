import { crc32 } from 'node:zlib';
import type { Lease } from '../store.ts';

/** A lease as the server knows it. */
export interface HeldLease {
  /** `null`: a place. */
  readonly sid: number | null;
  readonly token: string;
  readonly fence: number;
}

const TOKEN = /^(-|[0-9a-z]{1,11})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-z]{1,7})$/;

/**
 * A token names its row, so that a release finds it without the index of the ids, and bears a sum of the id, so that
 * one which is sent with another id is known without a look at `record`. What must not be guessed is the UUID.
 */
export function sessionLease(id: string, sid: number, token: string, fence: number): Lease {
  return { id, token: `${sid.toString(36)}.${token}.${sumOf(id)}`, fence };
}

export function placeLease(token: string): Lease {
  return { id: '', token: `-.${token}.0`, fence: 1 };
}

/** `undefined`: never was a lease of ours. */
export function heldLease(lease: Lease): HeldLease | undefined {
  const [, sid, token, sum] = TOKEN.exec(lease.token) ?? [];
  if (sid === undefined || token === undefined || !Number.isSafeInteger(lease.fence)) return undefined;
  if (sid === '-') return sum === '0' ? { sid: null, token, fence: lease.fence } : undefined;
  return sum === sumOf(lease.id) ? { sid: Number.parseInt(sid, 36), token, fence: lease.fence } : undefined;
}

function sumOf(id: string): string {
  return crc32(id).toString(36);
}
