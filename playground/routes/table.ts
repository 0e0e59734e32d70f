import type { Handler } from '../exchange.ts';
import { bytes, compressed, echo, manyCookies, setCookie } from './answers.ts';
import { enter, home } from './entry.ts';
import { resetLedger, showLedger } from './ledger.ts';
import { account, login, logout } from './login.ts';
import { flaky, item, offer, plain, strict } from './pages.ts';
import { redirectChain, redirectLoop, redirectTo } from './redirects.ts';
import { drop, dropBody, slow, slowBody, status } from './trouble.ts';

/** Every route by the first segment of its path: one look-up a request, however many routes there are. */
export const routes: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['', home],
  ['enter', enter],
  ['item', item],
  ['strict', strict],
  ['offer', offer],
  ['flaky', flaky],
  ['plain', plain],
  ['login', login],
  ['account', account],
  ['logout', logout],
  ['redirect', redirectChain],
  ['redirect-loop', redirectLoop],
  ['redirect-to', redirectTo],
  ['slow', slow],
  ['slow-body', slowBody],
  ['drop', drop],
  ['drop-body', dropBody],
  ['status', status],
  ['bytes', bytes],
  ['gzip', compressed('gzip')],
  ['br', compressed('br')],
  ['zstd', compressed('zstd')],
  ['echo', echo],
  ['set-cookie', setCookie],
  ['cookies-many', manyCookies],
  ['__ledger', showLedger],
  ['__reset', resetLedger],
]);
