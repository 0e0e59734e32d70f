import { fail } from '../../internal/options.ts';
import type { Work } from './work.ts';

/** `capabilities.bodies` is `text`: anything else is a mistake of the caller, said before anything is written. */
export function checkBody(body: unknown): void {
  if (body !== undefined && typeof body !== 'string')
    fail('body', 'a string (see capabilities.bodies)', body);
}

export function writeBody(work: Work, sid: number, body: unknown): void {
  work.sql.run('UPDATE body SET body = ? WHERE sid = ?', body as string, sid);
}
