import { type Exchange, RequestProblem } from '../exchange.ts';

/**
 * The site's own pages. They are answered without the ledger: who looks at it must not change it.
 */
export function isAside(route: string): boolean {
  return route === '__ledger' || route === '__reset';
}

/** `/__ledger`: the whole ledger; `/__ledger/summary`: the totals alone. */
export function showLedger({ site, argument, response }: Exchange): void {
  const content = argument === 'summary' ? site.ledger.summary() : site.ledger.snapshot();
  const body = JSON.stringify(content);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** `POST /__reset`: an empty ledger, and every flaky page at its first attempt. Cookies, limits and bans stay. */
export function resetLedger({ site, request, response }: Exchange): void {
  if (request.method !== 'POST') throw new RequestProblem(405, 'reset with POST');
  site.ledger.reset();
  site.flakiness.reset();
  site.unavailability.reset();
  response.writeHead(204).end();
}
