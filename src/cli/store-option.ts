import { statSync } from 'node:fs';
import { Option } from 'commander';
import { UsageError } from './exit-codes.ts';

/** `--store`; from the environment too, since the URL of a store may hold a password. */
export function storeOption(): Option {
  return new Option(
    '--store <url>',
    'where the users live: memory: (gone at the end), or sqlite:FILE (kept; shared by processes of this machine)',
  ).env('TROUPE_STORE');
}

/**
 * For commands that only look after what is there: a store that is not there must not be made by looking.
 * @throws UsageError
 */
export function requireExisting(url: string | undefined): string {
  if (!url) throw new UsageError('--store is missing: which store? For example --store sqlite:troupe.db');
  if (url.startsWith('memory:')) {
    throw new UsageError(
      'a store in memory ends with its process, so there is nothing in it to look at; use sqlite:FILE',
    );
  }
  const file = /^sqlite:(?:\/\/)?(.+)$/s.exec(url)?.[1];
  if (file !== undefined && !statSync(file, { throwIfNoEntry: false })?.size) {
    throw new UsageError(
      `there is no store ${file} (nothing was made); \`troupe fetch --store sqlite:${file}\` makes one`,
    );
  }
  return url;
}
