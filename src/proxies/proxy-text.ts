import { OptionError } from '../errors.ts';
import { checkProxy, isCountry, type ProxyRecord, problemOfUrl } from './proxy.ts';

/** `host:port`, or the providers' `host:port:user:password`. */
const SHORT_FORM = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})(?::([^:\s]+):(\S+))?$/;

/**
 * Reads proxies from text: JSON (a list of URLs and records), or a proxy a line, `#` before a comment. A line is a URL,
 * `host:port` or `host:port:user:password` (both `http:`), and after a space the country, in two letters, may follow.
 * @param where what the text is called, for messages: a file's name
 * @throws OptionError with the line, and never with what stands there: it may be a password
 */
export function readProxyText(text: string, where: string): ProxyRecord[] {
  const content = text.replace(/^\uFEFF/, '');
  return /^\s*\[/.test(content) && !isBracketedHost(content)
    ? readJson(content, where)
    : readLines(content, where);
}

/**
 * One proxy as people write it: a URL, `host:port`, `host:port:user:password`, or a record.
 * @throws OptionError
 */
export function readProxy(given: unknown, where: string): ProxyRecord {
  if (typeof given === 'string') return readLine(given.trim(), where);
  checkProxy(given as ProxyRecord, where);
  const { id, url, country } = given as ProxyRecord;
  if (country !== undefined) checkCountry(country, `${where}.country`);
  return record(url, country, id);
}

/**
 * Proxies as a list.
 * @throws OptionError also where two are the same
 */
export function readProxyList(given: readonly unknown[], where: string): ProxyRecord[] {
  const proxies = given.map((item, index) => readProxy(item, `${where}.${index}`));
  refuseTwice(proxies, (index) => `${where}.${index}`);
  return proxies;
}

/** Whether it is a proxy rather than the path of a file; also in forms that are not read. */
export function looksLikeProxy(text: string): boolean {
  return text.includes('://') || SHORT_FORM.test(text) || /^[^\s/\\]+:[^\s/\\]*@[^\s/\\]+$/.test(text);
}

function readJson(text: string, where: string): ProxyRecord[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Without a cause: its message quotes the text, and with it a password.
    throw new OptionError(where, `${where} begins like JSON, and is none`);
  }
  return readProxyList(parsed as unknown[], where);
}

function readLines(text: string, where: string): ProxyRecord[] {
  const proxies: ProxyRecord[] = [];
  const lines: number[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    // A password may hold a #; a comment has a space before it.
    const line = raw.replace(/(^|\s)#.*$/, '').trim();
    if (line === '') continue;
    proxies.push(readLine(line, `${where}, line ${index + 1}`));
    lines.push(index + 1);
  }
  refuseTwice(proxies, (index) => `${where}, line ${lines[index]}`);
  return proxies;
}

function readLine(line: string, where: string): ProxyRecord {
  const [address = '', country, ...rest] = line.split(/\s+/);
  if (rest.length > 0) {
    throw new OptionError(where, `${where}: after a proxy only a country of two letters may follow`);
  }
  if (country !== undefined) checkCountry(country, where);
  const url = address.includes('://') ? address : urlOfShortForm(address, where);
  const problem = problemOfUrl(url);
  if (problem !== undefined) throw new OptionError(where, `${where}: a proxy ${problem}`);
  return record(url, country);
}

function urlOfShortForm(text: string, where: string): string {
  const [, host, port, user, password] = SHORT_FORM.exec(text) ?? [];
  if (host === undefined) {
    throw new OptionError(
      where,
      `${where}: a proxy must be a URL such as http://user:password@host:8080, or host:port, or host:port:user:password`,
    );
  }
  const credentials = user === undefined ? '' : `${encoded(user)}:${encoded(password!)}@`;
  return `http://${credentials}${host}:${port}`;
}

/** As part of a URL; the mark stays, and what is encoded by then would be encoded twice only if it was meant so. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll('%7Bsession%7D', '{session}');
}

function record(url: string, country: string | undefined, id?: string): ProxyRecord {
  return Object.freeze({
    ...(id === undefined ? {} : { id }),
    url,
    ...(country === undefined ? {} : { country: country.toUpperCase() }),
  });
}

function checkCountry(country: string, where: string): void {
  if (!isCountry(country))
    throw new OptionError(where, `${where}: a country has two letters (ISO 3166), such as DE`);
}

function refuseTwice(proxies: readonly ProxyRecord[], nameOf: (index: number) => string): void {
  const seen = new Map<string, number>();
  for (const [index, { id, url }] of proxies.entries()) {
    const name = id === undefined ? `url ${url}` : `id ${id}`;
    const first = seen.get(name);
    if (first !== undefined) {
      const where = nameOf(index);
      throw new OptionError(where, `${where} is the same proxy as ${nameOf(first)}`);
    }
    seen.set(name, index);
  }
}

/** `[::1]:8080` in the first line is no JSON. */
function isBracketedHost(text: string): boolean {
  return /^\s*\[[0-9A-Fa-f:.]*\]:\d/.test(text);
}
