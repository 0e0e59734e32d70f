import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { checkOptions, number, oneOf, plainObject, text } from '../internal/options.ts';
import type { Hop, HopResponse, Transport, TransportLimits } from './transport.ts';
import { UndiciHop } from './undici-hop.ts';

/** How a session's connections behave. All times in milliseconds; 0 = no limit. */
export interface UndiciTransportOptions {
  /** Until a connection stands, DNS and TLS included. @default 30000 */
  connectTimeoutMs?: number;
  /** From the end of the request to the head of the response. @default 30000 */
  headersTimeoutMs?: number;
  /** Between two pieces of a body, and how long a body may lie unread. @default 30000 */
  bodyTimeoutMs?: number;
  /** How long an idle connection is kept when the server does not say. @default 30000 */
  keepAliveMs?: number;
  /** Connections to one origin at once; more requests wait. @default 6, as in browsers */
  maxConnectionsPerOrigin?: number;
  /** Offer HTTP/2 over TLS. @default true */
  http2?: boolean;
  /** Goes through this proxy: `http://user:password@host:8080`, or `https:`, `socks5:`. @default none */
  proxy?: string;
  /** Passed on to `tls.connect`: `ca`, `rejectUnauthorized`, `servername`, …; of an `https:` proxy the first two hold too. */
  tls?: Readonly<Record<string, unknown>>;
}

export const defaultUndiciTransportOptions = {
  connectTimeoutMs: 30_000,
  headersTimeoutMs: 30_000,
  bodyTimeoutMs: 30_000,
  keepAliveMs: 30_000,
  maxConnectionsPerOrigin: 6,
  http2: true,
} as const;

const milliseconds = number({ integer: true, max: 2 ** 31 - 1 });
const checks = {
  connectTimeoutMs: milliseconds,
  headersTimeoutMs: milliseconds,
  bodyTimeoutMs: milliseconds,
  keepAliveMs: number({ min: 1, integer: true, max: 2 ** 31 - 1 }),
  maxConnectionsPerOrigin: number({ min: 1, integer: true }),
  http2: oneOf(true, false),
  proxy: text,
  tls: plainObject,
};

const limits: TransportLimits = {
  appearsAsBrowser: false,
  methods: null,
  keepsSpelling: true,
  stopsUnanswered: true,
  tellsConnecting: true,
  decodesAll: true,
  tellsReasons: true,
};

/**
 * HTTP/1.1 and HTTP/2 on undici, with connections of its own: an agent and a connector (where undici keeps TLS
 * tickets) per transport mean that neither a socket nor a ticket is ever used by two sessions, so that a site
 * cannot link two users by them. Nothing is opened, or allocated, before the first request; after `close` the next
 * request opens new connections.
 */
export class UndiciTransport implements Transport {
  readonly limits = limits;
  readonly #options: UndiciTransportOptions;
  readonly #headersTimeoutMs: number;
  readonly #bodyTimeoutMs: number;
  #agent: Dispatcher | undefined;
  #inFlight = 0;

  constructor(options: UndiciTransportOptions = {}) {
    checkOptions(options, checks, 'transport');
    this.#options = options;
    this.#headersTimeoutMs = options.headersTimeoutMs ?? defaultUndiciTransportOptions.headersTimeoutMs;
    this.#bodyTimeoutMs = options.bodyTimeoutMs ?? defaultUndiciTransportOptions.bodyTimeoutMs;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  send(hop: Hop): Promise<HopResponse> {
    if (hop.signal?.aborted) return Promise.reject(hop.signal.reason);
    this.#inFlight++;
    return new Promise((respond, fail) => {
      const bodyTimeoutMs = hop.bodyTimeoutMs ?? this.#bodyTimeoutMs;
      const done = () => {
        this.#inFlight--;
      };
      const { url, method, headers, body } = hop;
      const handler = new UndiciHop(hop, bodyTimeoutMs, { respond, fail, done });
      try {
        this.#agent ??= makeAgent(this.#options);
        this.#agent.dispatch(
          {
            origin: url.origin,
            path: url.pathname + url.search,
            method,
            headers,
            // undici takes blobs and async iterables too; its types do not say so.
            body: body as Uint8Array | null,
            headersTimeout: hop.headersTimeoutMs ?? this.#headersTimeoutMs,
            bodyTimeout: bodyTimeoutMs,
          },
          handler,
        );
      } catch (error) {
        handler.onResponseError(undefined, error as Error);
      }
    });
  }

  async close(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.destroy();
  }
}

function makeAgent(options: UndiciTransportOptions): Dispatcher {
  const defaults = defaultUndiciTransportOptions;
  const timeout = options.connectTimeoutMs ?? defaults.connectTimeoutMs;
  const common = {
    connections: options.maxConnectionsPerOrigin ?? defaults.maxConnectionsPerOrigin,
    keepAliveTimeout: options.keepAliveMs ?? defaults.keepAliveMs,
    allowH2: options.http2 ?? defaults.http2,
  };
  const { tls, proxy } = options;
  if (proxy === undefined) {
    // One connector for all origins: an agent makes one anew for every origin that it comes back to, and the tickets
    // of the user itself, which a browser would use again, would be lost.
    return new Agent({ ...common, connect: buildConnector({ ...tls, timeout, allowH2: common.allowH2 }) });
  }
  return new ProxyAgent({
    ...common,
    uri: proxy,
    connectTimeout: timeout,
    ...(tls && { requestTls: tls }),
    // To any other proxy undici would speak TLS as well.
    ...(tls && /^https:/i.test(proxy) && { proxyTls: trustOf(tls) }),
  });
}

/** Of TLS options for a site, what holds for the proxy as well: whom it trusts, and not who it expects. */
function trustOf({ ca, rejectUnauthorized }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...(ca !== undefined && { ca }), ...(rejectUnauthorized !== undefined && { rejectUnauthorized }) };
}
