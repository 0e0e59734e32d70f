import { fail } from '../../internal/options.ts';
import type { NewSession } from '../store.ts';
import { checkTextBody } from '../text-body.ts';

/** What stands in an index; PostgreSQL's entries hold little more. */
const MAX_INDEXED_BYTES = 2000;

/**
 * Text that PostgreSQL can hold. Checked before it is sent: a call that cannot be done must not fail those that share
 * its statement.
 */
export function checkText(value: unknown, path: string): void {
  if (typeof value !== 'string') fail(path, 'a string', value);
  if (value.includes('\0') || !value.isWellFormed()) fail(path, 'text without null characters', value);
}

export function checkIndexed(value: unknown, path: string): void {
  checkText(value, path);
  if (Buffer.byteLength(value as string) > MAX_INDEXED_BYTES) {
    fail(path, `at most ${MAX_INDEXED_BYTES} bytes`, value);
  }
}

export function checkBody(body: unknown): void {
  checkTextBody(body);
  if (body !== undefined) checkText(body, 'body');
}

export function checkSession(session: NewSession): void {
  checkIndexed(session.id, 'id');
  if (session.key != null) checkIndexed(session.key, 'key');
  if (session.tag != null) checkIndexed(session.tag, 'tag');
  checkBody(session.body ?? null);
}

/** Whether a text that is only looked for can be there at all. */
export function canBeStored(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}
