import { FetchError } from './fetch-error.ts';
import type { OutgoingRequest } from './request.ts';
import { type HopResponse, headerOf } from './transport.ts';

/** Redirects of one fetch (Fetch §4.4). */
export const maxRedirects = 20;

const bodyHeaders = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
];
/** What was meant for one origin is not for another. */
const originHeaders = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/** Where a response redirects to, or undefined where it does not. An unreadable place is a FETCH_REDIRECT error. */
export function redirectTarget(response: HopResponse, from: URL): URL | undefined {
  const { status } = response;
  if (status !== 301 && status !== 302 && status !== 303 && status !== 307 && status !== 308)
    return undefined;
  const location = headerOf(response.headers, 'location');
  if (location === undefined) return undefined;
  // Servers write raw UTF-8 there; the header is a byte string (Fetch §2.2.6, "location URL").
  const target = URL.parse(Buffer.from(location, 'latin1').toString(), from.href);
  if (!target) throw redirectError(from, 'the redirect has no readable target');
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw redirectError(from, `the redirect leads to a ${target.protocol} URL`);
  }
  if (target.hash === '') target.hash = from.hash;
  // Credentials that a site puts there are neither sent nor shown as the response's URL.
  target.username = '';
  target.password = '';
  return target;
}

/** Turns the request into the one that follows the redirect (Fetch §4.4, "HTTP-redirect fetch"). */
export function followRedirect(request: OutgoingRequest, status: number, target: URL): void {
  const { method, url } = request;
  if (status !== 303 && request.body && !request.body.isReplayable) {
    throw redirectError(url, 'a streamed body cannot be sent again to the redirect’s target');
  }
  const becomesGet =
    status === 303 ? method !== 'GET' && method !== 'HEAD' : status <= 302 && method === 'POST';
  if (becomesGet) {
    request.method = 'GET';
    request.body = null;
    for (const name of bodyHeaders) request.headers.delete(name);
  }
  if (target.origin !== url.origin) {
    for (const name of originHeaders) request.headers.delete(name);
  }
  request.url = target;
}

/** A redirect that will not be followed. */
export function redirectError(url: URL, why: string): FetchError {
  return new FetchError({ code: 'FETCH_REDIRECT', phase: 'headers', url, cause: new Error(why) });
}
