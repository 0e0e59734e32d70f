import { UsageError } from '../exit-codes.ts';

/** A queue as `--queue` names it: a Redis, and a name within. */
export interface QueuePlace {
  /** For the client; it may hold a password. */
  readonly url: string;
  readonly name: string;
  /** For people: without user and password. */
  readonly shown: string;
}

const EXAMPLE = 'redis://localhost:6379 or redis://:PASSWORD@host:6379/0?queue=NAME';

/**
 * Reads `redis://[user:pass@]host[:port][/db][?queue=NAME]`, also `rediss:`; the name is `troupe` where none is given.
 * @throws UsageError whose message never repeats the URL: it may hold a password
 */
export function parseQueueUrl(text: string): QueuePlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw new UsageError(`--queue must be the URL of a Redis, such as ${EXAMPLE}`);
  }
  if (!/^\/?\d*$/.test(url.pathname)) {
    throw new UsageError(`--queue: behind the host stands the number of a database, such as /0 (${EXAMPLE})`);
  }
  for (const parameter of url.searchParams.keys()) {
    if (parameter !== 'queue') throw new UsageError(`--queue: unknown parameter; only queue=NAME is known`);
  }
  const name = url.searchParams.get('queue') ?? 'troupe';
  if (!/^[\w.-]{1,100}$/.test(name)) {
    throw new UsageError('--queue: a name is 1 to 100 letters, digits, dots, dashes and underscores');
  }
  if (!isDecodable(url.username) || !isDecodable(url.password)) {
    throw new UsageError('--queue: a "%" in a user or password must be written %25, and "@" %40');
  }
  url.search = '';
  url.hash = '';
  const shown = `${url.protocol}//${url.host}${url.pathname}${name === 'troupe' ? '' : `?queue=${name}`}`;
  return { url: url.href, name, shown };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
