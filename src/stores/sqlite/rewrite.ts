import type { Rewrite } from '../store.ts';
import { writeBody } from './bodies.ts';
import { bodyOf, rowById } from './records.ts';
import type { Work } from './work.ts';

/** Sessions that one transaction writes. */
export const REWRITE_STEP = 256;

/** Replaces bodies, keys and tags, each only if its body still is what it was. Answers how many it replaced. */
export function rewrite(work: Work, rewrites: readonly Rewrite[]): number {
  let written = 0;
  for (const { id, ifBody, body, key, tag } of rewrites) {
    const row = rowById(work, id);
    if (row === undefined || bodyOf(work, row.sid) !== ifBody) continue;
    writeBody(work, row.sid, body);
    if (key !== undefined) work.sql.run('UPDATE session SET key = ? WHERE sid = ?', key, row.sid);
    if (tag !== undefined) work.sql.run('UPDATE session SET tag = ? WHERE sid = ?', tag, row.sid);
    written++;
  }
  return written;
}
