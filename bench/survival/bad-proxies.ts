import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** A proxy that is gone, as far as anybody can tell who connects: the connection is reset at once. Answers its URL. */
export function startRefusingProxy(counted: () => void): Promise<string> {
  return listen(
    createServer((socket) => {
      counted();
      socket.on('error', () => {});
      socket.resetAndDestroy();
    }),
  );
}

/** A proxy that cannot reach anything: 502 to everyone. Answers its URL. */
export function startFailingProxy(counted: () => void): Promise<string> {
  const server = createHttpServer((_, response) => {
    counted();
    response.writeHead(502, { 'content-length': 0 }).end();
  });
  server.on('connect', (_, client) => {
    counted();
    client.on('error', () => {});
    client.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
  });
  return listen(server);
}

/** Takes a free port. Nothing closes it: it ends with its process. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) =>
    server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, resolve),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
