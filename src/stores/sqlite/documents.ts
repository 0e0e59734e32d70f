import type { StoredDocument } from '../store.ts';
import type { Work } from './work.ts';

export function document(work: Work, name: string): StoredDocument | undefined {
  const row = work.sql.get('SELECT value, version FROM document WHERE name = ?', name);
  return row && { value: row[0] as string, version: row[1] as number };
}

export function putDocument(work: Work, name: string, value: string, ifVersion: number): number | undefined {
  const version = ifVersion + 1;
  const written =
    ifVersion === 0
      ? work.sql.run('INSERT INTO document VALUES (?, ?, 1) ON CONFLICT DO NOTHING', name, value)
      : work.sql.run(
          'UPDATE document SET value = ?, version = ? WHERE name = ? AND version = ?',
          value,
          version,
          name,
          ifVersion,
        );
  return written > 0 ? version : undefined;
}
