import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { readBody } from '../body.ts';
import { cookieRecord, isCookie } from '../cookies.ts';
import { type Exchange, type Handler, RequestProblem } from '../exchange.ts';

const maxBytes = 1024 * 1024 * 1024;
const chunk = Buffer.alloc(64 * 1024, 'x');

/** `/bytes/:n`: n bytes, up to 1 GiB, as fast as the client takes them. */
export async function bytes(exchange: Exchange): Promise<void> {
  const total = exchange.wholeNumber(maxBytes);
  exchange.begin(200, { 'content-type': 'application/octet-stream', 'content-length': total });
  await pipeline(Readable.from(chunks(total), { objectMode: false }), exchange.response);
}

function* chunks(total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= chunk.length) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  }
}

const compressors = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync };

/** `/gzip`, `/br`, `/zstd`: a JSON answer in that coding, whether the client asked for it or not. */
export function compressed(coding: keyof typeof compressors): Handler {
  const body = compressors[coding](JSON.stringify({ coding, text: 'troupe '.repeat(100) }));
  return (exchange) => exchange.send(200, 'application/json', body, { 'content-encoding': coding });
}

/** `/echo`: the request as it arrived, header names in their spelling and order. */
export async function echo(exchange: Exchange): Promise<void> {
  const { request, cookies } = exchange;
  const body = await readBody(request);
  const headers: [string, string][] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    headers.push([request.rawHeaders[i]!, request.rawHeaders[i + 1]!]);
  }
  exchange.json({
    method: request.method,
    url: request.url,
    httpVersion: request.httpVersion,
    headers,
    cookies: cookieRecord(cookies),
    body: body.toString(),
    bodyBytes: body.length,
  });
}

/** `/set-cookie?name=value`: sets every pair of the query. */
export function setCookie(exchange: Exchange): void {
  for (const [name, value] of exchange.query) {
    if (!isCookie(name, value)) throw new RequestProblem(400, 'a name or value is not allowed in a cookie');
    exchange.setCookie(`${name}=${value}; Path=/`);
  }
  exchange.text(200, 'set\n');
}

/** `/cookies-many/:n`: sets n cookies, `many<i>` with i counting from `?from=`. At most 1000 at a time. */
export function manyCookies(exchange: Exchange): void {
  const count = exchange.wholeNumber(1_000);
  const from = Number(exchange.query.get('from') ?? 0);
  if (!Number.isSafeInteger(from)) throw new RequestProblem(400, 'from must be a whole number');
  for (let i = from; i < from + count; i++) exchange.setCookie(`many${i}=${i}; Path=/`);
  exchange.text(200, `set ${count}\n`);
}
