import { Agent, buildConnector } from 'undici';
import { checkOptions, number, oneOf, plainObject } from '../internal/options.ts';
import { basicCredentials, type ProxyAddress, proxyAddressOf } from './proxy-address.ts';
import { mayForward, proxyAnswer } from './proxy-answer.ts';
import { blame, isDoubtful } from './proxy-check.ts';
import { proxyConnector, trustOf } from './proxy-connector.ts';
import { isProxyUrl } from './proxy-url.ts';
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
  proxy: isProxyUrl,
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

interface Forwarding {
  readonly agent: Agent;
  /** The status with which the proxy refused a tunnel. */
  readonly refusedTunnelWith: number | undefined;
}

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
  readonly #proxy: ProxyAddress | undefined;
  #agent: Agent | undefined;
  /** Connections to a proxy that has no tunnels to sites in clear; made when it has said so. */
  #forwarding: Forwarding | undefined;
  #inFlight = 0;

  constructor(options: UndiciTransportOptions = {}) {
    checkOptions(options, checks, 'transport');
    this.#options = options;
    this.#headersTimeoutMs = options.headersTimeoutMs ?? defaultUndiciTransportOptions.headersTimeoutMs;
    this.#bodyTimeoutMs = options.bodyTimeoutMs ?? defaultUndiciTransportOptions.bodyTimeoutMs;
    this.#proxy = options.proxy === undefined ? undefined : proxyAddressOf(options.proxy);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  send(hop: Hop): Promise<HopResponse> {
    if (hop.signal?.aborted) return Promise.reject(hop.signal.reason);
    this.#inFlight++;
    return new Promise((respond, fail) => {
      const done = () => {
        this.#inFlight--;
      };
      const outcome = { respond, fail: this.#proxy ? this.#blaming(hop, fail) : fail, done };
      const handler = new UndiciHop(hop, hop.bodyTimeoutMs ?? this.#bodyTimeoutMs, outcome);
      if (this.#proxy && hop.url.protocol === 'http:') this.#sendInClear(hop, handler);
      else this.#dispatch(hop, handler);
    });
  }

  async close(): Promise<void> {
    const agents = [this.#agent, this.#forwarding?.agent];
    this.#agent = undefined;
    this.#forwarding = undefined;
    await Promise.all(agents.map((agent) => agent?.destroy()));
  }

  #dispatch(hop: Hop, handler: UndiciHop): void {
    this.#agent ??= makeAgent(this.#options, this.#proxy);
    this.#write(this.#agent, hop, handler, {
      origin: hop.url.origin,
      path: pathOf(hop.url),
      headers: hop.headers,
    });
  }

  /** By a tunnel; through a proxy that has none to there, by asking it to forward. */
  #sendInClear(hop: Hop, handler: UndiciHop): void {
    if (this.#forwarding) {
      this.#forward(hop, handler, this.#forwarding);
      return;
    }
    handler.otherWay = (error) => {
      if (!mayForward(error)) return false;
      handler.otherWay = undefined;
      this.#forwarding ??= { agent: makeForwardingAgent(this.#options), refusedTunnelWith: error.status };
      this.#forward(hop, handler, this.#forwarding);
      return true;
    };
    this.#dispatch(hop, handler);
  }

  #forward(hop: Hop, handler: UndiciHop, { agent, refusedTunnelWith }: Forwarding): void {
    const { url } = hop;
    handler.failureIn = (status, headers) => proxyAnswer(status, headers, refusedTunnelWith);
    const credentials = basicCredentials(this.#proxy!);
    const own = credentials === undefined ? [] : ['proxy-authorization', credentials];
    const headers = ['host', url.host, ...own, ...hop.headers];
    const { origin } = new URL(this.#options.proxy!);
    this.#write(agent, hop, handler, { origin, path: url.origin + pathOf(url), headers });
  }

  #blaming(hop: Hop, fail: (error: unknown) => void): (error: unknown) => void {
    return (error) => {
      if (isDoubtful(error)) void blame(error, this.#proxy!, hop, trustOf(this.#options.tls)).then(fail);
      else fail(error);
    };
  }

  #write(
    agent: Agent,
    { method, body, headersTimeoutMs, bodyTimeoutMs }: Hop,
    handler: UndiciHop,
    head: { origin: string; path: string; headers: string[] },
  ): void {
    try {
      agent.dispatch(
        {
          ...head,
          method,
          // undici takes blobs and async iterables too; its types do not say so.
          body: body as Uint8Array | null,
          headersTimeout: headersTimeoutMs ?? this.#headersTimeoutMs,
          bodyTimeout: bodyTimeoutMs ?? this.#bodyTimeoutMs,
        },
        handler,
      );
    } catch (error) {
      handler.onResponseError(undefined, error as Error);
    }
  }
}

function pathOf(url: URL): string {
  return url.pathname + url.search;
}

function makeAgent(options: UndiciTransportOptions, proxy: ProxyAddress | undefined): Agent {
  const { tls } = options;
  const timeoutMs = options.connectTimeoutMs ?? defaultUndiciTransportOptions.connectTimeoutMs;
  const allowH2 = options.http2 ?? defaultUndiciTransportOptions.http2;
  // One connector for all origins: an agent makes one anew for every origin that it comes back to, and the tickets
  // of the user itself, which a browser would use again, would be lost.
  const connect = proxy
    ? proxyConnector(proxy, { timeoutMs, allowH2, tls })
    : buildConnector({ ...tls, timeout: timeoutMs, allowH2 });
  return new Agent({ ...poolOptions(options), allowH2, connect });
}

function makeForwardingAgent(options: UndiciTransportOptions): Agent {
  const timeout = options.connectTimeoutMs ?? defaultUndiciTransportOptions.connectTimeoutMs;
  const connect = buildConnector({ ...trustOf(options.tls), timeout, allowH2: false });
  return new Agent({ ...poolOptions(options), allowH2: false, connect });
}

function poolOptions(options: UndiciTransportOptions) {
  return {
    connections: options.maxConnectionsPerOrigin ?? defaultUndiciTransportOptions.maxConnectionsPerOrigin,
    keepAliveTimeout: options.keepAliveMs ?? defaultUndiciTransportOptions.keepAliveMs,
  };
}
