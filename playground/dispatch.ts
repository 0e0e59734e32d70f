import type { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange, type Handler, RequestProblem, type Site } from './exchange.ts';
import type { ForeignCookie } from './ledger.ts';
import { isAside } from './routes/ledger.ts';
import { routes } from './routes/table.ts';

/** Takes one request: finds its route, tells the ledger, has it answered. */
export function dispatch(site: Site, request: IncomingMessage, response: ServerResponse): void {
  const { route, ...path } = splitPath(request.url ?? '/');
  const handler = routes.get(route);
  const exchange = new Exchange(site, request, response, path);
  if (!isAside(route)) {
    site.ledger.saw({
      route: handler ? `/${route}` : 'other',
      socket: request.socket,
      user: exchange.user,
      userAgent: exchange.userAgent,
      foreign: foreignCookies(exchange),
    });
  }
  const { latencyMs } = site.options;
  if (latencyMs > 0 && !isAside(route)) setTimeout(handle, latencyMs, exchange, handler);
  else handle(exchange, handler);
}

function handle(exchange: Exchange, handler: Handler | undefined): void {
  try {
    if (!handler) throw new RequestProblem(404, 'no such page');
    // Most handlers answer at once, and make no promise.
    handler(exchange)?.catch((error: unknown) => answerError(exchange, error));
  } catch (error) {
    answerError(exchange, error);
  }
}

/** `/item/7?a=b` → `item`, `7`, `a=b`. By hand, because a URL object costs more than the whole answer. */
function splitPath(url: string): { route: string; argument: string; search: string } {
  const question = url.indexOf('?');
  const pathEnd = question === -1 ? url.length : question;
  const slash = url.indexOf('/', 1);
  const routeEnd = slash === -1 || slash > pathEnd ? pathEnd : slash;
  return {
    route: url.slice(1, routeEnd),
    argument: url.slice(routeEnd + 1, pathEnd),
    search: url.slice(pathEnd + 1),
  };
}

const none: readonly ForeignCookie[] = [];

/**
 * The cookies of the request that were issued to another user. A request without a user cookie, and values of
 * nobody (an earlier run of the site, a client's own), say nothing about mixing.
 */
function foreignCookies({ site, user, cookies }: Exchange): readonly ForeignCookie[] {
  if (!user) return none;
  let foreign: ForeignCookie[] | undefined;
  for (const [name, value] of cookies) {
    if (name !== 'mate' && name !== 'auth' && !name.startsWith('hop')) continue;
    if (value === user.mate || value === user.auth) continue;
    const owner = site.users.ownerOf(value);
    if (!owner || owner === user) continue;
    foreign ??= [];
    foreign.push({ cookie: name, owner: owner.id });
  }
  return foreign ?? none;
}

function answerError(exchange: Exchange, error: unknown): void {
  const { response, request, site } = exchange;
  // The head is out, or nobody listens any more: the connection is all that is left to end.
  if (response.headersSent || request.socket.destroyed) {
    if (!response.headersSent) site.ledger.answered('aborted');
    request.socket.destroy();
    return;
  }
  if (error instanceof RequestProblem) exchange.text(error.status, `${error.message}\n`);
  else exchange.text(500, `the playground failed: ${error instanceof Error ? error.stack : String(error)}\n`);
}
