import { callable, number, type OptionCheck, oneOf, text } from '../../internal/options.ts';
import { type ProxySource, requirePath, requireSome } from '../../proxies/proxy-source.ts';
import { readProxyList } from '../../proxies/proxy-text.ts';

export interface ProxyOptions {
  /**
   * Where new sessions get their proxy, one each, for life: a list of URLs or `{ id, url, country }`, the path of a file
   * (JSON, or one a line), or a function that answers a list and is asked again every `proxyRefreshMs`.
   * @default none
   */
  proxies?: ProxySource;
  /**
   * How often a file or a function is read again, in milliseconds. One that fails or gives none changes nothing.
   * @default 300_000
   */
  proxyRefreshMs?: number;
  /**
   * Living sessions that one proxy may have, in all processes of the store; `null`: any number. `pool.add` throws
   * `PROXY_FULL` rather than exceed it.
   * @default null
   */
  maxSessionsPerProxy?: number | null;
  /**
   * Sessions of this process that may be at work through one proxy at once; `null`: any number.
   * @default null
   */
  maxConcurrentPerProxy?: number | null;
  /**
   * What becomes of sessions whose proxy is no longer among `proxies`: `'retire'`, or `'rebind'`, another one of the same
   * country at their next lease; that is the default of a pool with `accounts`. The event `retired` and `onRetire` come in
   * the process that retires a session: the one that reads the shorter list first, or leases the session first.
   * @default 'retire'
   */
  onProxyGone?: 'retire' | 'rebind';
}

export const PROXY_DEFAULTS = {
  proxyRefreshMs: 300_000,
  maxSessionsPerProxy: null,
  maxConcurrentPerProxy: null,
  onProxyGone: 'retire',
} as const satisfies ProxyOptions;

const proxies: OptionCheck = (value, path) => {
  if (Array.isArray(value)) requireSome(readProxyList(value, path), path);
  else if (typeof value === 'string') {
    text(value, path);
    requirePath(value);
  } else callable(value, path);
};

const howMany = number({ min: 1, integer: true, nullable: true });

export const proxyChecks: Record<keyof ProxyOptions, OptionCheck> = {
  proxies,
  proxyRefreshMs: number({ min: 1_000, max: 86_400_000 }),
  maxSessionsPerProxy: howMany,
  maxConcurrentPerProxy: howMany,
  onProxyGone: oneOf('retire', 'rebind'),
};
