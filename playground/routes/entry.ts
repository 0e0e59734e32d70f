import type { Exchange } from '../exchange.ts';
import { admit, refuse } from '../guard.ts';

// A client that keeps no cookies would go round forever.
const maxBounces = 3;

const welcome = `<!doctype html><title>Playground</title>
<h1>Playground</h1>
<p>You have a cookie now. Keep it, and go on:</p>
<ul>
<li><a href="/item/1">/item/1</a> and on: pages that demand the cookie</li>
<li><a href="/login">/login</a>: a form with a token</li>
<li><a href="/flaky/1">/flaky/1</a> and on: pages that fail now and then</li>
<li><a href="/redirect/3">/redirect/3</a>: redirects that set cookies</li>
<li><a href="/__ledger">/__ledger</a>: what the site has seen</li>
</ul>
`;

/** `/`: whoever has no user cookie gets one. */
export function home(exchange: Exchange): void {
  const { user } = exchange;
  if (!admit(exchange, user)) return;
  if (!user) exchange.issue();
  exchange.html(200, welcome);
}

/** `/enter?next=/item/1`: gives the cookie and sends the client back to where it came from. */
export function enter(exchange: Exchange): void {
  const next = exchange.query.get('next') ?? '/';
  // Only a path of this site: an open redirect would be a hole, and `//host` is another site.
  const path = /^\/(?![/\\])/.test(next) ? next : '/';
  if (!exchange.user) exchange.issue();
  const bounces = exchange.query.get('entered');
  const tail =
    bounces === null ? '' : `${path.includes('?') ? '&' : '?'}entered=${encodeURIComponent(bounces)}`;
  exchange.redirect(302, path + tail);
}

/** Sends a client without a user cookie to `/enter`, or refuses it once it has been there often enough. */
export function sendToEnter(exchange: Exchange, path: string): void {
  const bounces = Number(exchange.query.get('entered') ?? 0);
  if (bounces < maxBounces) exchange.redirect(302, `/enter?next=${path}&entered=${bounces + 1}`);
  else refuse(exchange, 'This page needs cookies.');
}
