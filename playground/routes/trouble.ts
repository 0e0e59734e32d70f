import { type Exchange, RequestProblem } from '../exchange.ts';

const maxDelayMs = 60_000;

/** `/slow/:ms`: the head comes only after that time. */
export async function slow(exchange: Exchange): Promise<void> {
  const delayMs = exchange.wholeNumber(maxDelayMs);
  if (await isStillThereAfter(exchange, delayMs)) exchange.text(200, `slow ${delayMs}\n`);
  else exchange.site.ledger.answered('aborted');
}

/** `/slow-body/:ms`: the head and half of the body at once, the rest after that time. */
export async function slowBody(exchange: Exchange): Promise<void> {
  const delayMs = exchange.wholeNumber(maxDelayMs);
  exchange.begin(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': 20 });
  exchange.response.write('first half');
  if (await isStillThereAfter(exchange, delayMs)) exchange.response.end('secondhalf');
}

/** `/drop`: the connection is cut before the head. */
export function drop(exchange: Exchange): void {
  exchange.drop();
}

/** `/drop-body`: 1000 bytes are announced, the connection is cut after 500. */
export function dropBody(exchange: Exchange): void {
  exchange.begin(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': 1_000 });
  exchange.response.write('x'.repeat(500), () => exchange.request.socket.destroy());
}

/** `/status/:code`: that status, with `Retry-After` as `?retry-after=` says. */
export function status(exchange: Exchange): void {
  const code = exchange.wholeNumber(599);
  if (code < 200) throw new RequestProblem(400, 'status must be from 200 to 599');
  const wait = exchange.query.get('retry-after');
  if (wait !== null && !/^[\x20-\x7e]+$/.test(wait))
    throw new RequestProblem(400, 'retry-after must be plain text');
  const headers = wait === null ? {} : { 'retry-after': wait };
  // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5: these have no content.
  if (code === 204 || code === 205 || code === 304) {
    exchange.begin(code, headers);
    exchange.response.end();
  } else {
    exchange.text(code, `status ${code}\n`, headers);
  }
}

/** Waits; false, and at once, if the client goes away meanwhile. */
function isStillThereAfter({ response }: Exchange, delayMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      response.off('close', gone);
      resolve(true);
    }, delayMs);
    response.once('close', gone);
  });
}
