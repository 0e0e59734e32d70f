import { readBody } from '../body.ts';
import { cookieRecord } from '../cookies.ts';
import { type Exchange, RequestProblem } from '../exchange.ts';

const maxHops = 100;
const statuses = [301, 302, 303, 307, 308];

/**
 * `/redirect/:n`: n redirects, each with the cookie `hop<n>`; the last page tells method, body and cookies as
 * they arrived there. The statuses take turns, or are all as `?status=` says.
 */
export function redirectChain(exchange: Exchange): void | Promise<void> {
  const hops = exchange.wholeNumber(maxHops);
  if (hops === 0) return report(exchange);
  const user = exchange.user ?? exchange.issue();
  const given = exchange.query.get('status');
  const status = given === null ? statuses[hops % statuses.length]! : redirectStatus(given);
  exchange.setCookie(`hop${hops}=${user.mate}; Path=/; SameSite=Lax`);
  exchange.redirect(status, `/redirect/${hops - 1}${given === null ? '' : `?status=${status}`}`);
}

async function report(exchange: Exchange): Promise<void> {
  const body = (await readBody(exchange.request)).toString();
  exchange.json({ method: exchange.request.method, cookies: cookieRecord(exchange.cookies), body });
}

/** `/redirect-loop`: to itself, without end. */
export function redirectLoop(exchange: Exchange): void {
  exchange.redirect(302, '/redirect-loop');
}

/** `/redirect-to?url=`: to another origin, but only to one on this machine. `?status=` chooses the status. */
export function redirectTo(exchange: Exchange): void {
  const given = exchange.query.get('url') ?? '';
  const target = URL.parse(given, `http://${exchange.request.headers.host ?? '127.0.0.1'}`);
  if (!target || !isLoopback(target))
    throw new RequestProblem(400, 'url must be an http(s) address of this machine');
  exchange.redirect(redirectStatus(exchange.query.get('status') ?? '302'), target.href);
}

function redirectStatus(given: string): number {
  const status = Number(given);
  if (!statuses.includes(status))
    throw new RequestProblem(400, `status must be one of ${statuses.join(', ')}`);
  return status;
}

// The URL parser has put every spelling of an IPv4 address into its dotted form by now.
function isLoopback({ protocol, hostname }: URL): boolean {
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  const isName = hostname === 'localhost' || hostname.endsWith('.localhost');
  return isName || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
