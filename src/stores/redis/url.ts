import { OptionError } from '../../errors.ts';
import { poolName } from './keys.ts';

export interface RedisUrl {
  /** For the client. */
  url: string;
  /** For messages: no user, no password. */
  where: string;
  pool: string | undefined;
}

/** @throws OptionError, which never shows the URL: it may hold a password */
export function readUrl(text: string, option = 'url'): RedisUrl {
  const refuse = (what: string): never => {
    throw new OptionError(
      option,
      `option "${option}" must be redis://[user:password@]host[:port][/database][?pool=NAME]; ${what}`,
    );
  };
  const url = URL.parse(text) ?? refuse('it is no URL');
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    refuse('it begins with neither redis: nor rediss:');
  if (url.hostname === '') refuse('it names no host');
  if (!/^(\/\d*)?$/.test(url.pathname)) refuse('what follows the host is no number of a database');
  if (url.hash !== '') refuse('it has a "#"; within a password that is written %23');
  for (const part of [url.username, url.password]) {
    try {
      decodeURIComponent(part);
    } catch {
      refuse('a "%" in its user or password is not followed by two hexadecimal digits');
    }
  }
  for (const name of url.searchParams.keys()) {
    if (name !== 'pool') refuse('after "?" only pool=NAME can stand');
  }
  const pool = url.searchParams.get('pool') ?? undefined;
  if (pool !== undefined) poolName(pool, `${option}?pool`);
  url.search = '';
  return { url: url.href, where: `${url.protocol}//${url.host}`, pool };
}
