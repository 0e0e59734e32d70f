import { Option } from 'commander';
import { UsageError } from './exit-codes.ts';

/** `--store`; from the environment too, since the URL of a store may hold a password. */
export function storeOption(): Option {
  return new Option(
    '--store <url>',
    'where the users live: memory: (gone at the end), sqlite:FILE (for this machine), redis://HOST or postgres://HOST/DATABASE (for many)',
  ).env('TROUPE_STORE');
}

/**
 * For commands that only look after what is there: a store that is not there must not be made by looking.
 * @throws UsageError, and what a server answers that cannot be asked
 */
export async function requireExisting(url: string | undefined): Promise<string> {
  if (!url) throw new UsageError('--store is missing: which store? For example --store sqlite:troupe.db');
  if (url.startsWith('memory:')) {
    throw new UsageError(
      'a store in memory ends with its process, so there is nothing in it to look at; use sqlite:FILE',
    );
  }
  // Loaded when it is needed: help and wrong usage are answered at once.
  const { storeExists } = await import('../stores/store-exists.ts');
  if (await storeExists(url)) return url;
  const shown = withoutCredentials(url);
  throw new UsageError(
    `there is no store ${shown} (nothing was made); \`troupe fetch --store ${shown}\` makes one`,
  );
}

/** A server's URL, with no more than says where the users are. */
function withoutCredentials(url: string): string {
  if (!url.includes('://')) return url;
  const [place = '', parameters = ''] = url.split('?');
  const named = parameters.split('&').filter((parameter) => /^(pool|schema)=/.test(parameter));
  return [place.replace(/:\/\/[^\s/?#]*@/, '://'), ...named].join('?');
}
