import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { OptionError } from '../errors.ts';
import { inTime } from '../internal/in-time.ts';
import { describe } from '../internal/options.ts';
import type { ProxyRecord } from './proxy.ts';
import { looksLikeProxy, readProxyList, readProxyText } from './proxy-text.ts';

/** Proxies as they are given: URLs and records. */
export type ProxyListInput = readonly (string | ProxyRecord)[];

/** Where proxies come from: a list, a file's path, or a function that is asked for them again and again. */
export type ProxySource = ProxyListInput | string | (() => ProxyListInput | Promise<ProxyListInput>);

/**
 * Reads a source once.
 * @throws OptionError where what it gives are no proxies, or none at all, naming the place and never a password
 * @throws whatever the file system or the function throws
 */
export async function readProxySource(source: ProxySource): Promise<ProxyRecord[]> {
  const proxies = await readOnce(source);
  return requireSome(proxies, typeof source === 'string' ? source : 'proxies');
}

/** A file that was written to more recently may still be in the middle of it. */
const STILL_MS = 200;
/** A file that is written to without end is read as it is. */
const MAX_LOOKS = 25;

/** Waits until nobody writes the file any more: half a list would pass for one that has lost the rest. */
export async function whenWritten(path: string): Promise<void> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const { mtimeMs } = await stat(path);
    if (Math.abs(Date.now() - mtimeMs) >= STILL_MS) return;
    await sleep(STILL_MS, undefined, { ref: false });
  }
}

/**
 * Refuses a proxy in the place of a file's path: the path is shown in messages.
 * @throws OptionError
 */
export function requirePath(path: string): void {
  if (!looksLikeProxy(path)) return;
  throw new OptionError(
    'proxies',
    'option "proxies" takes a text for the path of a file, and this one looks like a proxy: put it in a list, or in a file',
  );
}

/** @throws OptionError where there are none */
export function requireSome(proxies: ProxyRecord[], where: string): ProxyRecord[] {
  if (proxies.length > 0) return proxies;
  throw new OptionError('proxies', `${where}: there is no proxy in it`);
}

async function readOnce(source: ProxySource): Promise<ProxyRecord[]> {
  if (typeof source === 'string') {
    requirePath(source);
    return readProxyText(await readFile(source, 'utf8'), source);
  }
  if (typeof source !== 'function') return readProxyList(source, 'proxies');
  const given: unknown = await inTime(source, 'proxies');
  if (!Array.isArray(given)) {
    throw new OptionError(
      'proxies',
      `the source of proxies must answer a list of them; got ${describe(given)}`,
    );
  }
  return readProxyList(given, 'proxies');
}
