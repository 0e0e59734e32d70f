import { OptionError } from '../errors.ts';
import { checkOptions, number, oneOf, text } from '../internal/options.ts';
import { FetchError } from './fetch-error.ts';
import type { ImpitClient } from './impit-client.ts';
import { ImpitHop } from './impit-hop.ts';
import type { LoadedImpit } from './impit-package.ts';
import { profileFor } from './impit-profiles.ts';
import { type ProxyAddress, proxyAddressOf } from './proxy-address.ts';
import { blame, isDoubtful } from './proxy-check.ts';
import { isProxyUrl } from './proxy-url.ts';
import type { Hop, HopResponse, Transport, TransportLimits } from './transport.ts';

/** How a session's connections behave. All times in milliseconds; 0 = no limit. */
export interface ImpitTransportOptions {
  /** Whose TLS and HTTP/2 it has: the browser of this User-Agent. @default none: impit's own */
  userAgent?: string;
  /** Goes through this proxy: `http://user:password@host:8080`, or `https:`, `socks5:`. @default none */
  proxy?: string;
  /** From the start of the request to the head of the response, connecting included. @default 60000 */
  headersTimeoutMs?: number;
  /** Between two pieces of a body, and how long a body may lie unread. @default 30000 */
  bodyTimeoutMs?: number;
  /** For a whole request; what was given up before it was answered keeps its connection so long. @default 900000 */
  maxRequestMs?: number;
  /** Takes any certificate. @default false */
  ignoreTlsErrors?: boolean;
}

export const defaultImpitTransportOptions = {
  headersTimeoutMs: 60_000,
  bodyTimeoutMs: 30_000,
  maxRequestMs: 900_000,
  ignoreTlsErrors: false,
} as const;

const milliseconds = number({ integer: true, max: 2 ** 31 - 1 });
const checks = {
  userAgent: text,
  proxy: isProxyUrl,
  headersTimeoutMs: milliseconds,
  bodyTimeoutMs: milliseconds,
  maxRequestMs: milliseconds,
  ignoreTlsErrors: oneOf(true, false),
};

/** See docs/fingerprints.md for the reason of each. */
const limits: TransportLimits = {
  appearsAsBrowser: true,
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  keepsSpelling: false,
  stopsUnanswered: false,
  tellsConnecting: false,
  decodesAll: false,
  tellsReasons: false,
};

/**
 * HTTP/1.1 and HTTP/2 on impit, as a browser: its TLS handshake and its HTTP/2 settings, beside its headers. A client of its
 * own per transport (0.3 ms, some 30 KB, and 100 KB once it has a TLS connection), so that neither a socket
 * nor a ticket is shared. Redirects and cookies stay ours: impit follows none and keeps none.
 */
export class ImpitTransport implements Transport {
  readonly limits = limits;
  readonly #options: ImpitTransportOptions;
  readonly #impit: LoadedImpit;
  readonly #browser: string | undefined;
  readonly #proxy: ProxyAddress | undefined;
  readonly #hops = new Set<ImpitHop>();
  #client: ImpitClient | undefined;

  /** @throws OptionError for a wrong option, or a User-Agent of a browser that impit cannot appear as */
  constructor(options: ImpitTransportOptions, impit: LoadedImpit) {
    checkOptions(options, checks, 'transport');
    this.#options = options;
    this.#impit = impit;
    this.#browser = browserFor(options, impit);
    this.#proxy = options.proxy === undefined ? undefined : proxyAddressOf(options.proxy);
  }

  get inFlight(): number {
    return this.#hops.size;
  }

  send(hop: Hop): Promise<HopResponse> {
    if (hop.signal?.aborted) return Promise.reject(hop.signal.reason);
    if (!limits.methods!.includes(hop.method)) {
      return Promise.reject(new TypeError(`the transport "impit" cannot send the method ${hop.method}`));
    }
    return new Promise((respond, fail) => {
      const defaults = defaultImpitTransportOptions;
      const conditions = {
        headersTimeoutMs: hop.headersTimeoutMs ?? this.#options.headersTimeoutMs ?? defaults.headersTimeoutMs,
        bodyTimeoutMs: hop.bodyTimeoutMs ?? this.#options.bodyTimeoutMs ?? defaults.bodyTimeoutMs,
        maxRequestMs: this.#options.maxRequestMs ?? defaults.maxRequestMs,
        // impit asks a proxy to forward what is in clear, and tunnels the rest.
        isForwarded:
          this.#proxy !== undefined && this.#proxy.scheme !== 'socks5' && hop.url.protocol === 'http:',
      };
      const outcome = {
        respond,
        fail: this.#proxy ? this.#blaming(hop, fail) : fail,
        done: () => this.#hops.delete(sent),
      };
      const sent = new ImpitHop(hop, conditions, outcome);
      this.#hops.add(sent);
      this.#client ??= this.#makeClient();
      void sent.send(this.#client);
    });
  }

  /** What is in flight fails; idle connections close when the client is collected, or after 90 s. */
  async close(): Promise<void> {
    this.#client = undefined;
    for (const hop of [...this.#hops]) {
      const cause = new Error('the connections were closed');
      hop.fail(new FetchError({ code: 'FETCH_CLOSED', phase: 'headers', url: hop.url, cause }));
    }
  }

  #blaming(hop: Hop, fail: (error: unknown) => void): (error: unknown) => void {
    const tls = this.#options.ignoreTlsErrors ? { rejectUnauthorized: false } : undefined;
    return (error) => {
      if (isDoubtful(error)) void blame(error, this.#proxy!, hop, tls).then(fail);
      else fail(error);
    };
  }

  #makeClient(): ImpitClient {
    const { proxy, ignoreTlsErrors } = this.#options;
    return new this.#impit.Impit({
      followRedirects: false,
      ...(this.#browser !== undefined && { browser: this.#browser }),
      // With "socks5" impit asks the machine's own name server, which sees every site and may know other addresses.
      ...(proxy !== undefined && { proxyUrl: proxy.replace(/^socks5:/i, 'socks5h:') }),
      ...(ignoreTlsErrors && { ignoreTlsErrors }),
    });
  }
}

function browserFor({ userAgent }: ImpitTransportOptions, { profiles }: LoadedImpit): string | undefined {
  if (userAgent === undefined) return undefined;
  const browser = profileFor(profiles, userAgent);
  if (browser === undefined) {
    const message = `the transport "impit" cannot appear as "${userAgent.slice(0, 200)}": it has Chrome, Edge, Firefox, and Safari on iOS`;
    throw new OptionError('fingerprint.userAgent', message);
  }
  return browser;
}
