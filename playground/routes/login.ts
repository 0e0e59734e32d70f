import { readBody } from '../body.ts';
import { cookieValue } from '../cookies.ts';
import type { Exchange } from '../exchange.ts';
import { admit, refuse } from '../guard.ts';

/** The password of every account of the playground. */
export const playgroundPassword = 'open sesame';

/** `/login`: GET gives the form, POST takes it. */
export function login(exchange: Exchange): void | Promise<void> {
  if (exchange.request.method === 'POST') return logIn(exchange);
  const { user } = exchange;
  if (!admit(exchange, user)) return;
  const { csrfToken } = user ?? exchange.issue();
  exchange.html(200, loginPage(csrfToken));
}

async function logIn(exchange: Exchange): Promise<void> {
  const { user } = exchange;
  if (!admit(exchange, user)) return;
  if (!user) {
    refuse(exchange, 'Get the login form first.');
    return;
  }
  const form = new URLSearchParams((await readBody(exchange.request)).toString());
  // The token belongs to one cookie: a form fetched as one user and sent as another shows here.
  if (form.get('token') !== user.csrfToken) {
    refuse(exchange, 'The form has expired, or belongs to somebody else.');
    return;
  }
  const account = form.get('user');
  if (!account || form.get('password') !== playgroundPassword) {
    return exchange.html(401, loginPage(user.csrfToken), { 'www-authenticate': 'Form realm="playground"' });
  }
  const auth = exchange.site.users.logIn(user, account);
  exchange.setCookie(`auth=${auth}; Path=/; HttpOnly; SameSite=Strict`);
  exchange.redirect(303, '/account');
}

/** `/account`: for those who are logged in; the others are sent to the form. */
export function account(exchange: Exchange): void {
  const { user } = exchange;
  if (!admit(exchange, user)) return;
  const auth = cookieValue(exchange.cookies, 'auth');
  if (!user?.auth || user.auth !== auth) exchange.redirect(302, '/login');
  else exchange.json({ account: user.account });
}

/** `/logout`: forgets the login, keeps the user cookie. */
export function logout(exchange: Exchange): void {
  if (exchange.user) exchange.site.users.logOut(exchange.user);
  exchange.setCookie('auth=; Path=/; Max-Age=0');
  exchange.redirect(303, '/');
}

function loginPage(token: string): string {
  return `<!doctype html><title>Log in</title>
<form method="post" action="/login">
<input type="hidden" name="token" value="${token}">
<input name="user"><input name="password" type="password"><button>Log in</button>
</form>
`;
}
