/*
 * The site that the workers visit, in a process of its own: who came, and when, goes to its log as it comes in. Started as
 * `node site.ts <log>`; prints its port. `?answer=429` has it answer so.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { machineNow } from './log.ts';
import { SITE_HOSTS } from './site-hosts.ts';

const visit: RequestListener = (request, response) => {
  const at = machineNow();
  const hop = request.headers['x-hop'];
  if (typeof hop === 'string') writeSync(log, `${JSON.stringify({ hop, at })}\n`);
  const status = Number(new URL(request.url ?? '/', 'http://site').searchParams.get('answer') ?? 200);
  response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {});
  response.end('seen');
};

const log = openSync(process.argv[2]!, 'a', 0o600);
const [first, second] = SITE_HOSTS.map(() => createServer({ keepAliveTimeout: 60_000 }, visit));
first!.listen(0, SITE_HOSTS[0], () => {
  const { port } = first!.address() as AddressInfo;
  second!.listen(port, SITE_HOSTS[1], () => process.stdout.write(`${port}\n`));
});
// Nobody is to stay behind when the harness is gone.
process.stdin.on('end', () => {
  closeSync(log);
  process.exit(0);
});
process.stdin.resume();
