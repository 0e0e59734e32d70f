import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { ProxyCredentials } from './proxy-server.ts';

/**
 * What a proxy does to its clients:
 * - `'work'`: what it is for.
 * - `'refuse'`: nobody listens on its port.
 * - `'close'`, `'reset'`: each connection is ended as soon as it stands.
 * - `'hang'`: connections stand, and nothing is ever answered.
 * - a status: its answer to all that it is asked, `CONNECT` or not. A 407 wants credentials (RFC 9110 §15.5.8).
 * - `'no-tunnels'`: 403 for `CONNECT`; forwards plain http.
 * - `'drop-tunnels'`: says that the tunnel stands, and closes it.
 * - `'reset-body'`: after {@link PASSED_BYTES} of an answer, or of what comes out of a tunnel, the connection is reset.
 */
export type ProxyBehaviour =
  | 'work'
  | 'refuse'
  | 'close'
  | 'reset'
  | 'hang'
  | 'no-tunnels'
  | 'drop-tunnels'
  | 'reset-body'
  | number;

/** So much of an answer `'reset-body'` lets through. */
export const PASSED_BYTES = 1_000;

/** A reset throws away what the client has not read yet: it has so long. */
const READING_MS = 30;

export interface UnreliableProxyOptions {
  /** How it begins. @default 'work' */
  behaviour?: ProxyBehaviour;
  /** The address that sites see. @default 127.0.0.1 */
  exitAddress?: string;
  /** Clients must give them, or get a 407. Without any, all are let in, and what they give is noted. */
  credentials?: ProxyCredentials;
  /** Speaks TLS with its clients. */
  tls?: { key: Buffer; cert: Buffer };
  /** Addresses of host names that only this proxy knows. */
  routes?: Readonly<Record<string, string>>;
}

/** What a client asked for. */
export interface ProxyRequest {
  /** `GET http://host/path`, or `CONNECT host:port`. */
  readonly what: string;
  /** `user:password`, as they came along. */
  readonly credentials: string | undefined;
  readonly at: number;
}

/** An HTTP proxy that behaves badly when it is told to, at any time. */
export interface UnreliableProxy extends AsyncDisposable {
  /** With its credentials, where it has any. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly exitAddress: string;
  /** Connections that clients made, the ones that were refused not among them. */
  readonly connections: number;
  readonly asked: readonly ProxyRequest[];
  /** Behaves so from now on; connections that are open are reset, as in a restart. */
  behave(behaviour: ProxyBehaviour): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Starts one on the loopback, on a port of its own. */
export async function startUnreliableProxy(options: UnreliableProxyOptions = {}): Promise<UnreliableProxy> {
  const proxy = new ProxyOnLoopback(options);
  await proxy.behave('work');
  await proxy.behave(options.behaviour ?? 'work');
  return proxy;
}

class ProxyOnLoopback implements UnreliableProxy {
  readonly host = '127.0.0.1';
  readonly exitAddress: string;
  readonly asked: ProxyRequest[] = [];
  connections = 0;
  readonly #options: UnreliableProxyOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #behaviour: ProxyBehaviour = 'work';
  #port = 0;

  constructor(options: UnreliableProxyOptions) {
    this.#options = options;
    this.exitAddress = options.exitAddress ?? '127.0.0.1';
    this.#server = options.tls ? createSecureServer(options.tls) : createServer();
    this.#server
      .on('connection', (socket: Socket) => this.#meet(socket))
      .on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
        if (this.#letsIn(incoming, outgoing)) this.#forward(incoming, outgoing);
      })
      .on('connect', (incoming: IncomingMessage, socket: Socket) => {
        this.#keep(socket);
        if (this.#letsIn(incoming, socket)) this.#tunnel(incoming.url!, socket);
      });
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { credentials, tls } = this.#options;
    const userInfo = credentials
      ? `${encodeURIComponent(credentials.user)}:${encodeURIComponent(credentials.password)}@`
      : '';
    // A certificate is for a name.
    return `${tls ? 'https' : 'http'}://${userInfo}${tls ? 'localhost' : this.host}:${this.#port}`;
  }

  async behave(behaviour: ProxyBehaviour): Promise<void> {
    this.#behaviour = behaviour;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    if (behaviour === 'refuse') await this.#stop();
    else await this.#listen();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, this.host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #meet(socket: Socket): void {
    this.connections += 1;
    this.#keep(socket);
    if (this.#behaviour === 'close') socket.destroy();
    if (this.#behaviour === 'reset') socket.resetAndDestroy();
  }

  /** Until it is closed, or the proxy is. */
  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
  }

  /** Notes what is asked, and refuses what is to be refused. */
  #letsIn({ method, url, headers }: IncomingMessage, answer: ServerResponse | Socket): boolean {
    const header = headers['proxy-authorization'];
    const given = header && Buffer.from(header.replace('Basic ', ''), 'base64').toString();
    this.asked.push({ what: `${method} ${url}`, credentials: given, at: Date.now() });
    const behaviour = this.#behaviour;
    if (behaviour === 'hang') return false;
    const { credentials } = this.#options;
    let status: number | undefined;
    if (typeof behaviour === 'number') status = behaviour;
    else if (behaviour === 'no-tunnels' && method === 'CONNECT') status = 403;
    else if (credentials && given !== `${credentials.user}:${credentials.password}`) status = 407;
    if (status === undefined) return true;
    const more = status === 407 ? { 'proxy-authenticate': 'Basic realm="proxy"' } : undefined;
    if ('writeHead' in answer) answer.writeHead(status, more).end('refused');
    else {
      const lines = Object.entries(more ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
      answer.end(`HTTP/1.1 ${status} No\r\n${lines.join('')}content-length: 7\r\n\r\nrefused`);
    }
    return false;
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = incoming.headers;
    const url = new URL(incoming.url!);
    url.hostname = this.#addressOf(url.hostname);
    const onward = request(
      url,
      { method: incoming.method!, headers, localAddress: this.exitAddress, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
        answer.on('error', () => outgoing.destroy());
        this.#passOn(answer, outgoing, incoming.socket);
      },
    );
    onward.on('error', () => {
      if (!outgoing.headersSent) outgoing.writeHead(502).end('no such site');
    });
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  #tunnel(target: string, socket: Socket): void {
    const end = target.lastIndexOf(':');
    const host = target.slice(0, end).replace(/^\[|\]$/g, '');
    const established = 'HTTP/1.1 200 Connection established\r\n\r\n';
    if (this.#behaviour === 'drop-tunnels') {
      socket.end(established);
      return;
    }
    const onward = this.#keep(
      connect({
        host: this.#addressOf(host),
        port: Number(target.slice(end + 1)),
        localAddress: this.exitAddress,
      }),
    );
    let isThrough = false;
    onward.once('connect', () => {
      isThrough = true;
      socket.write(established);
      socket.pipe(onward);
      this.#passOn(onward, socket, socket);
    });
    onward.on('error', () => {
      if (isThrough) socket.destroy();
      else socket.end('HTTP/1.1 502 No such site\r\ncontent-length: 0\r\n\r\n');
    });
    socket.on('close', () => onward.destroy());
  }

  /** All of it, or as little as the behaviour lets through. */
  #passOn(answer: Readable, client: Writable, socket: Socket): void {
    if (this.#behaviour !== 'reset-body') {
      answer.pipe(client);
      return;
    }
    let left = PASSED_BYTES;
    answer.on('data', (bytes: Buffer) => {
      if (left <= 0) return;
      const passed = bytes.subarray(0, left);
      left -= passed.length;
      client.write(passed, () => {
        if (left === 0) setTimeout(() => socket.resetAndDestroy(), READING_MS);
      });
    });
    answer.on('end', () => client.end());
  }

  #addressOf(host: string): string {
    return this.#options.routes?.[host] ?? host;
  }
}
