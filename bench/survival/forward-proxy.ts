import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { listen } from './bad-proxies.ts';

/**
 * A forward proxy whose requests leave from that address of the loopback, so that a site sees each proxy's users at an
 * address of their own. It tunnels (CONNECT) and forwards plain http. Whatever name is asked for, it goes to 127.0.0.1:
 * a benchmark can use names, and never leaves the machine.
 * @param counted called for each CONNECT and each request
 * @returns its URL
 */
export function startForwardProxy(localAddress: string, counted: () => void): Promise<string> {
  // The connections of one client stay its own on the way to the site, too.
  const agents = new WeakMap<Socket, Agent>();
  const agentOf = (client: Socket): Agent => {
    let agent = agents.get(client);
    if (!agent) {
      agent = new Agent({ keepAlive: true });
      agents.set(client, agent);
      client.once('close', () => agent!.destroy());
    }
    return agent;
  };

  const server = createServer((incoming, outgoing) => {
    counted();
    forward(incoming, outgoing, localAddress, agentOf(incoming.socket));
  });
  server.on('connect', (incoming, client: Socket, head) => {
    counted();
    tunnel(Number(incoming.url?.split(':').at(-1)), localAddress, client, head);
  });
  server.keepAliveTimeout = 600_000;
  return listen(server);
}

function tunnel(port: number, localAddress: string, client: Socket, head: Buffer): void {
  const site = connect({ host: '127.0.0.1', port, localAddress, noDelay: true }, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) site.write(head);
    site.pipe(client).pipe(site);
  });
  const end = () => {
    client.destroy();
    site.destroy();
  };
  for (const socket of [client, site]) socket.on('error', end).on('close', end);
}

function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  localAddress: string,
  agent: Agent,
): void {
  const target = URL.parse(incoming.url ?? '');
  if (!target) {
    outgoing.writeHead(400).end('this is a proxy\n');
    return;
  }
  const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = incoming.headers;
  const onward = request(
    {
      host: '127.0.0.1',
      port: target.port || 80,
      path: target.pathname + target.search,
      method: incoming.method,
      headers,
      localAddress,
      agent,
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(outgoing);
    },
  );
  onward.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}
