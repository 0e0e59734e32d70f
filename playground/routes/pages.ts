import type { Exchange } from '../exchange.ts';
import { admit, refuse } from '../guard.ts';
import { sendToEnter } from './entry.ts';

const maxPage = 999_999_999_999;

/** `/item/:n`: demands the user cookie, and sends who has none through `/enter` first. */
export function item(exchange: Exchange): void {
  const page = exchange.wholeNumber(maxPage);
  if (!admit(exchange, exchange.user)) return;
  if (!exchange.user) sendToEnter(exchange, `/item/${page}`);
  else giveItem(exchange, page);
}

/** `/strict/:n`: the same page, but 403 without the cookie. */
export function strict(exchange: Exchange): void {
  const page = exchange.wholeNumber(maxPage);
  if (!admit(exchange, exchange.user)) return;
  if (!exchange.user) refuse(exchange, 'This page needs a cookie; get one at the entry.');
  else giveItem(exchange, page);
}

/** `/offer/:n`: the same page, and the cookie comes with it to who has none. */
export function offer(exchange: Exchange): void {
  const page = exchange.wholeNumber(maxPage);
  if (!admit(exchange, exchange.user)) return;
  if (!exchange.user) exchange.issue();
  giveItem(exchange, page);
}

function giveItem(exchange: Exchange, page: number): void {
  const { ledger, unavailability, options } = exchange.site;
  if (unavailability.fails(page)) {
    ledger.refused('unavailable');
    exchange.text(503, 'Out of breath; try again.\n');
  } else {
    ledger.gavePage();
    exchange.html(200, itemPage(page, options.pageBytes));
  }
}

/** `/flaky/:n`: for some n the first attempt is a 500, or a 503 without `Retry-After`; later ones are fine. */
export function flaky(exchange: Exchange): void {
  const page = exchange.wholeNumber(maxPage);
  const failure = exchange.site.flakiness.attempt(page);
  if (failure) exchange.text(failure, 'Something went wrong; try again.\n');
  else exchange.html(200, `<!doctype html><title>Flaky ${page}</title><h1>Flaky ${page}</h1>\n`);
}

/** `/plain/:n`: no defence, a tiny answer; for benchmarks. */
export function plain(exchange: Exchange): void {
  exchange.text(200, `plain ${exchange.argument}\n`);
}

let filler = '';

/** A page of exactly that many bytes (all ASCII, so one character is one byte). */
function itemPage(page: number, bytes: number): string {
  if (filler.length < bytes) filler = 'Lorem ipsum dolor sit amet. '.repeat(Math.ceil(bytes / 28));
  const head = `<!doctype html><title>Item ${page}</title><h1>Item ${page}</h1><a href="/item/${page + 1}">next</a><p>`;
  return head + filler.slice(0, bytes - head.length);
}
