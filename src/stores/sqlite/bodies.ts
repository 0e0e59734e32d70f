import type { Work } from './work.ts';

export function writeBody(work: Work, sid: number, body: unknown): void {
  work.sql.run('UPDATE body SET body = ? WHERE sid = ?', body as string, sid);
}
