import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { SessionCookies } from '../../cookies/session-cookies.ts';
import { VERSION } from '../../internal/version.ts';
import type { ProxyRecord } from '../../proxies/proxy.ts';
import { sessionToken, withToken } from '../../proxies/session-mark.ts';
import { DEFAULT_LIMITS } from '../../session/limits.ts';
import { fetchAs } from '../../transport/fetch.ts';
import { proxyAddressOf } from '../../transport/proxy-address.ts';
import { ProxyFailure } from '../../transport/proxy-failure.ts';
import { openTunnel } from '../../transport/tunnel.ts';
import { UndiciTransport } from '../../transport/undici.ts';
import { type JudgeContext, judge, type Verdict } from '../../verdict/judge.ts';

/** What a check found out about a proxy; what `--json` prints. */
export interface ProxyReport {
  /** Its id, or where it is; never its credentials. */
  readonly proxy: string;
  readonly country: string | null;
  readonly ok: boolean;
  readonly verdict: Verdict;
  /** The median of the tries, in milliseconds; `null` if it failed. */
  readonly latencyMs: number | null;
  /** The addresses that the checked page saw. */
  readonly exits: readonly string[];
  /** Why it is not ok. */
  readonly reason: string | null;
}

export interface CheckTerms {
  readonly url: URL | undefined;
  readonly tries: number;
  readonly timeoutMs: number;
  readonly stopped: AbortSignal;
}

/** What answers an address is short. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** No such name can be (RFC 6761 §6.4), so that nobody is troubled by the question. */
const NOWHERE = { host: 'check.invalid', port: 443 };

/** Tries a proxy until it fails, or often enough; `undefined` if the check was stopped. */
export async function checkOne(
  { url, country }: ProxyRecord,
  name: string,
  terms: CheckTerms,
): Promise<ProxyReport | undefined> {
  // One user's proxy for all tries, as a session would have it.
  const proxy = withToken(url, sessionToken(randomUUID()));
  const times: number[] = [];
  const exits = new Set<string>();
  const about = { proxy: name, country: country ?? null };
  for (let tries = 0; tries < terms.tries; tries += 1) {
    const since = performance.now();
    const { verdict, reason, exit } = await (terms.url
      ? fetchThrough(proxy, terms.url, terms)
      : askForTunnel(proxy, terms));
    if (terms.stopped.aborted) return undefined;
    if (exit !== undefined) exits.add(exit);
    if (verdict !== 'ok') return { ...about, ok: false, verdict, latencyMs: null, exits: [...exits], reason };
    times.push(performance.now() - since);
  }
  return { ...about, ok: true, verdict: 'ok', latencyMs: median(times), exits: [...exits], reason: null };
}

interface Try {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly exit?: string | undefined;
}

/** A proxy that says that it got no further has let us in. */
async function askForTunnel(proxy: string, { timeoutMs, stopped }: CheckTerms): Promise<Try> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const socket = await openTunnel(proxyAddressOf(proxy), NOWHERE, {
      signal: AbortSignal.any([limit, stopped]),
    });
    socket.on('error', () => {}).destroy();
    return { verdict: 'ok', reason: '' };
  } catch (error) {
    if (error instanceof ProxyFailure && error.fault === 'exit' && !error.isTimeout)
      return { verdict: 'ok', reason: '' };
    return { verdict: 'proxy-failed', reason: reasonOf(error) };
  }
}

async function fetchThrough(proxy: string, url: URL, { timeoutMs, stopped }: CheckTerms): Promise<Try> {
  const transport = new UndiciTransport({
    ...{ proxy, connectTimeoutMs: timeoutMs, headersTimeoutMs: timeoutMs, bodyTimeoutMs: timeoutMs },
  });
  const visitor = {
    cookies: new SessionCookies(),
    transport,
    userAgent: `troupe/${VERSION}`,
    beforeHop() {},
  };
  try {
    const response = await fetchAs(visitor, url, { signal: stopped, maxBodyBytes: MAX_PAGE_BYTES });
    const body = new Uint8Array(await response.arrayBuffer());
    const { status, headers } = response;
    const { verdict, evidence } = judge({ status, headers, body }, context);
    return { verdict, reason: evidence, exit: addressIn(Buffer.from(body).toString()) };
  } catch (error) {
    return { verdict: judge({ error }, context).verdict, reason: reasonOf(error) };
  } finally {
    await transport.close();
  }
}

const context: JudgeContext = {
  hasProxy: true,
  isBlockedStatus: (status) => DEFAULT_LIMITS.blockedStatusCodes.includes(status),
};

/** In our own words: a system's message may name the proxy's address, and nothing may name more. */
function reasonOf(error: unknown): string {
  const failure = error instanceof ProxyFailure ? error : (error as Error).cause;
  const text = failure instanceof ProxyFailure ? failure.message : (error as Error).message;
  const code = codeOf(failure instanceof ProxyFailure ? failure.cause : error);
  return code === undefined ? text : `${text} (${code})`;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && code !== 'ABORT_ERR' ? code : undefined;
}

/** The first address in a page: all of it, or a value in its JSON, such as `{ "ip": "192.0.2.1" }`. */
function addressIn(page: string): string | undefined {
  const text = page.trim();
  if (isIP(text) !== 0) return text;
  let found: string | undefined;
  try {
    JSON.parse(text, (_key, value: unknown) => {
      // Some list the whole way: the first is the one that asked.
      const first = typeof value === 'string' ? value.split(',')[0]!.trim() : '';
      if (isIP(first) !== 0) found ??= first;
      return value;
    });
  } catch {
    // A page of another kind.
  }
  return found;
}

function median(times: number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const value = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return Math.round(value * 10) / 10;
}
