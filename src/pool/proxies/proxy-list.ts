import { OptionError } from '../../errors.ts';
import type { Clock } from '../../internal/clock.ts';
import { maskError } from '../../internal/mask.ts';
import { type ProxyRecord, showProxy } from '../../proxies/proxy.ts';
import { type ProxySource, readProxySource, whenWritten } from '../../proxies/proxy-source.ts';
import { hasSessionMark } from '../../proxies/session-mark.ts';
import type { PoolEventBus } from '../events.ts';
import type { ProxyTags } from './proxy-tags.ts';

/** A source that has given nothing yet is asked again so soon, and then half as often each time. */
const FIRST_RETRY_MS = 1_000;

export interface ListedProxy {
  readonly proxy: ProxyRecord;
  readonly tag: string;
  /** For people: without credentials, and no two of a list have the same. */
  readonly name: string;
  /** It leads each session out by an exit of its own. */
  readonly isGateway: boolean;
}

interface ProxyListParts {
  readonly source: ProxySource;
  readonly refreshMs: number;
  readonly tags: ProxyTags;
  readonly events: PoolEventBus;
  /** The store's. */
  readonly clock: Clock;
  /** These are no longer there; or there are others. */
  onChange(gone: readonly ListedProxy[]): void;
}

/** The proxies of a pool, read again and again. What fails, or comes back empty, leaves the last list as it is. */
export class ProxyList {
  readonly #parts: ProxyListParts;
  #proxies: readonly ListedProxy[] = [];
  #byTag: ReadonlyMap<string, ListedProxy> = new Map();
  #readAt: number | undefined;
  #failures = 0;
  #error: unknown;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: ProxyListParts) {
    this.#parts = parts;
  }

  get all(): readonly ListedProxy[] {
    return this.#proxies;
  }

  get(tag: string): ListedProxy | undefined {
    return this.#byTag.get(tag);
  }

  /** When the reading of this list began, by the store's clock; `undefined`: there is none yet. */
  get readAt(): number | undefined {
    return this.#readAt;
  }

  /** Why there is no list, or no newer one. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * Reads it for the first time. A function is not waited for: its service may be away, and the sessions that there are
   * need no list.
   * @throws OptionError, and what the file system throws
   */
  async open(): Promise<void> {
    const { source } = this.#parts;
    if (typeof source === 'function') {
      void this.#refresh();
      return;
    }
    try {
      this.#keep(await readProxySource(source), this.#parts.clock.now());
    } catch (error) {
      if (error instanceof OptionError) throw error;
      const code = (error as { code?: unknown }).code;
      throw new OptionError('proxies', `option "proxies": the file ${source} cannot be read (${code})`, {
        cause: error,
      });
    }
    if (typeof source === 'string') this.#again(this.#parts.refreshMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #refresh(): Promise<void> {
    const { source, refreshMs, events, clock } = this.#parts;
    const startedAt = clock.now();
    try {
      if (typeof source === 'string') await whenWritten(source);
      const proxies = await readProxySource(source);
      if (this.#isStopped) return;
      this.#error = undefined;
      this.#failures = 0;
      this.#keep(proxies, startedAt);
    } catch (error) {
      if (this.#isStopped) return;
      this.#error = maskError(error);
      this.#failures += 1;
      events.emit('proxySourceFailed', { error, kept: this.#proxies.length });
    }
    const isWaitedFor = this.#readAt === undefined;
    const retryMs = FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20);
    this.#again(isWaitedFor ? Math.min(retryMs, refreshMs) : refreshMs);
  }

  #again(inMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#refresh(), inMs);
    this.#timer.unref();
  }

  #keep(proxies: readonly ProxyRecord[], readAt: number): void {
    const before = this.#proxies;
    const names = new Map<string, number>();
    this.#proxies = proxies.map((proxy) => {
      const shown = showProxy(proxy);
      const same = (names.get(shown) ?? 0) + 1;
      names.set(shown, same);
      return {
        proxy,
        tag: this.#parts.tags.of(proxy),
        name: same === 1 ? shown : `${shown} #${same}`,
        isGateway: hasSessionMark(proxy.url),
      };
    });
    this.#byTag = new Map(this.#proxies.map((listed) => [listed.tag, listed]));
    this.#readAt = readAt;
    this.#parts.onChange(before.filter(({ tag }) => !this.#byTag.has(tag)));
  }
}
