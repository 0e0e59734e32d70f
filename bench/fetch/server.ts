import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerWith } from '../harness/contender.ts';

/** What the server saw since it was last asked. */
export interface Seen {
  readonly requests: number;
  /** With at least as many cookies as were asked for. */
  readonly withCookies: number;
  readonly connections: number;
}

const body = 'The quick brown fox jumps over the lazy dog. '.repeat(23).slice(0, 1_000);
let wanted = 0;
let requests = 0;
let withCookies = 0;
let connections = 0;

// As little work as can be: the client is what is measured.
const server = createServer((request, response) => {
  requests++;
  const { cookie } = request.headers;
  if (cookie !== undefined && countCookies(cookie) >= wanted) withCookies++;
  const headers = ['content-type', 'text/plain; charset=utf-8', 'content-length', '1000'];
  if (request.url === '/set') headers.push('set-cookie', `seen=${requests}; Path=/; HttpOnly`);
  response.writeHead(200, headers);
  response.end(body);
});
server.on('connection', () => connections++);
server.keepAliveTimeout = 60_000;

answerWith({
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },

  /** Answers what was seen, and begins to count anew. */
  seen({ cookies }: { cookies: number }): Seen {
    const seen = { requests, withCookies, connections };
    wanted = cookies;
    requests = withCookies = connections = 0;
    return seen;
  },
});

function countCookies(header: string): number {
  let count = 1;
  for (let at = header.indexOf(';'); at >= 0; at = header.indexOf(';', at + 1)) count++;
  return count;
}
