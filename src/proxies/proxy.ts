import { OptionError } from '../errors.ts';
import { checkOptions, type OptionCheck, plainObject, text } from '../internal/options.ts';
import { hasSessionMark, SESSION_MARK, withToken } from './session-mark.ts';

/** One exit to the web. */
export interface ProxyRecord {
  /** Names the proxy for good, also in events and logs, and holds no credentials: what else is written here may then change under it. Without it, its URL does. */
  readonly id?: string;
  /**
   * `http://user:password@host:port`, or `https:`, `socks5:`. `{session}` in the user name or the password stands for a
   * word of the session's own, by which providers tell which users are to keep one address.
   */
  readonly url: string;
  /** Two letters, ISO 3166. */
  readonly country?: string;
}

const SCHEMES = ['http:', 'https:', 'socks5:'];
const COUNTRY = /^[A-Za-z]{2}$/;

const id: OptionCheck = (value, path) => {
  text(value, path);
  if (!/:[^@]*@/.test(value as string)) return;
  throw new OptionError(
    path,
    `option "${path}" is shown in events and logs, and must hold no user name and password`,
  );
};

const checks = { id, url: text, country: text };

/**
 * Checks a proxy. `where` is what the caller calls it, for messages; `more` are checks of what else it may have.
 * @throws OptionError that names what is wrong, and never shows the URL: it may hold a password
 */
export function checkProxy(
  proxy: ProxyRecord,
  where = 'proxy',
  more: Readonly<Record<string, OptionCheck>> = {},
): void {
  plainObject(proxy, where);
  checkOptions(proxy, { ...checks, ...more }, where);
  const problem = problemOfUrl(proxy.url);
  const path = `${where}.url`;
  if (problem !== undefined) throw new OptionError(path, `option "${path}" ${problem}`);
}

/** What is wrong with a proxy's URL, to be said after its name; `undefined`: nothing. */
export function problemOfUrl(url: unknown): string | undefined {
  if (typeof url !== 'string' || !isProxyUrl(url))
    return `must be a URL such as http://user:password@host:8080 (${SCHEMES.join(' ')})`;
  if (isCutShort(url))
    return 'has an @ after its host: write / ? # in a user name or a password as %2F %3F %23';
  return isMarkMisplaced(url) ? `may have ${SESSION_MARK} in its user name and its password only` : undefined;
}

/** Whether it is the code of a country, in form. */
export function isCountry(text: string): boolean {
  return COUNTRY.test(text);
}

/** Where a proxy is, without user name and password. */
export function proxyAddress({ url }: ProxyRecord): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

/** A proxy as people may see it: no user name, no password. */
export function showProxy(proxy: ProxyRecord): string {
  return proxy.id ?? proxyAddress(proxy);
}

function isProxyUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && SCHEMES.includes(url.protocol) && url.hostname !== '';
}

/** What was meant for its user name and password would be taken for its host and its path, and shown. */
function isCutShort(text: string): boolean {
  const { pathname, search, hash } = new URL(text);
  return `${pathname}${search}${hash}`.includes('@');
}

/** Anywhere else a word of the session's would lead to another host. */
function isMarkMisplaced(url: string): boolean {
  if (!hasSessionMark(url)) return false;
  const [one, other] = ['a', 'b'].map((token) => new URL(withToken(url, token)));
  for (const parsed of [one!, other!]) {
    parsed.username = '';
    parsed.password = '';
  }
  return one!.href !== other!.href;
}
