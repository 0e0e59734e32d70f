import { createServer, type RequestListener, request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { onTestFinished } from 'vitest';

/** A proxy that ends with the test, and what it was asked. */
export interface TestProxy {
  url: string;
  /** `GET http://…`, `CONNECT host:port`, or for SOCKS `host:port`, each with the credentials that came along. */
  asked: { what: string; credentials: string | undefined }[];
  /** Addresses of names that only this proxy knows. */
  routes: Record<string, string>;
}

async function listen(server: Server, sockets: Set<Socket>): Promise<number> {
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function credentialsOf(header: string | undefined): string | undefined {
  return header && Buffer.from(header.replace('Basic ', ''), 'base64').toString();
}

/** @param refusesWith a status for all that it is asked */
export async function httpProxy(
  options: { tls?: { key: Buffer; cert: Buffer }; refusesWith?: number } = {},
): Promise<TestProxy> {
  const asked: TestProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const proxy: TestProxy = { url: '', asked, routes: {} };
  const forward: RequestListener = (incoming, outgoing) => {
    asked.push({
      what: `${incoming.method} ${incoming.url}`,
      credentials: credentialsOf(incoming.headers['proxy-authorization']),
    });
    if (options.refusesWith) return void outgoing.writeHead(options.refusesWith).end('refused');
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const url = new URL(incoming.url!);
    url.hostname = proxy.routes[url.hostname] ?? url.hostname;
    const onward = request(url, { method: incoming.method!, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  };
  const server = options.tls ? createSecureServer(options.tls, forward) : createServer(forward);
  server.on('connect', (incoming, socket: Socket) => {
    asked.push({
      what: `CONNECT ${incoming.url}`,
      credentials: credentialsOf(incoming.headers['proxy-authorization']),
    });
    socket.on('error', () => {});
    if (options.refusesWith) return void socket.end(`HTTP/1.1 ${options.refusesWith} No\r\n\r\n`);
    const [host, port] = incoming.url!.split(':');
    tunnel(socket, host!, Number(port), sockets, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  });
  const port = await listen(server, sockets);
  proxy.url = `${options.tls ? 'https' : 'http'}://user:SECRET@localhost:${port}`;
  return proxy;
}

/** SOCKS5 with a user name and a password (RFC 1928, RFC 1929). */
export async function socksProxy(): Promise<TestProxy> {
  const asked: TestProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([5, 2]));
      socket.once('data', (login: Buffer) => {
        const user = login.subarray(2, 2 + login[1]!);
        const password = login.subarray(3 + login[1]!);
        socket.write(Buffer.from([1, 0]));
        socket.once('data', (order: Buffer) => {
          const isName = order[3] === 3;
          const host = isName ? order.subarray(5, 5 + order[4]!).toString() : order.subarray(4, 8).join('.');
          const port = order.readUInt16BE(order.length - 2);
          asked.push({ what: `${host}:${port}`, credentials: `${user}:${password}` });
          tunnel(socket, host, port, sockets, () =>
            socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
          );
        });
      });
    });
  });
  return { url: `socks5://user:SECRET@127.0.0.1:${await listen(server, sockets)}`, asked, routes: {} };
}

function tunnel(socket: Socket, host: string, port: number, sockets: Set<Socket>, ready: () => void): void {
  const onward = connect(port, host, () => {
    ready();
    onward.pipe(socket).pipe(onward);
  });
  sockets.add(onward.on('error', () => socket.destroy()).on('close', () => sockets.delete(onward)));
}
