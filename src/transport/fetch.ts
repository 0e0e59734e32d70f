import type { SessionCookies } from '../cookies/session-cookies.ts';
import type { FetchIdentity } from './identity.ts';
import { followRedirect, maxRedirects, redirectError, redirectTarget } from './redirect.ts';
import { type FetchInit, type OutgoingRequest, readRequest } from './request.ts';
import { makeResponse } from './response.ts';
import { ResponseBody } from './response-body.ts';
import { type Hop, type HopResponse, headerOf } from './transport.ts';

export type { FetchIdentity, HopInfo } from './identity.ts';
export type { FetchInit } from './request.ts';

/** More of a redirect's own body than this, in bytes or in time, is not read to save a connection. */
const maxDrainedBytes = 64 * 1024;
const maxDrainMs = 1000;
/** How long the next hop waits for it; what has come already is not waited for. */
const maxWaitMs = 20;

/**
 * The Fetch standard's `fetch` as one identity: its cookies go out and are stored at every redirect hop, over its own
 * connections. `input`, `init` and the response are those of the standard, so that clients such as ky can
 * stand on it.
 *
 * A `Cookie` header of the caller's replaces the session's cookies for this request; like `Authorization` it never
 * goes to another origin. Cookies without a domain are bound to the host of `input`.
 *
 * Rejects with a `FetchError` (a TypeError with a `code`) for network errors, a TypeError for wrong arguments,
 * the signal's reason, or what `beforeHop` throws.
 */
export async function fetchAs(
  identity: FetchIdentity,
  input: string | URL | Request,
  init?: FetchInit,
): Promise<Response> {
  const request = await readRequest(input, init, identity);
  for (let redirects = 0; ; redirects++) {
    const { url } = request;
    const response = await sendHop(identity, request, redirects === 0);
    let target: URL | undefined;
    try {
      identity.beforeHop(url);
      if (request.sendsCookies) storeCookies(identity.cookies, url, response);
      target = request.redirect === 'manual' ? undefined : redirectTarget(response, url);
      if (target) {
        if (request.redirect === 'error') throw redirectError(url, 'a redirect, with redirect: "error"');
        if (redirects === maxRedirects) throw redirectError(url, `more than ${maxRedirects} redirects`);
        followRedirect(request, response.status, target);
      }
    } catch (error) {
      response.body.cancel(error);
      throw error;
    }
    if (!target) return finish(request, response, url, redirects > 0);
    await drain(response, request);
  }
}

async function sendHop(
  identity: FetchIdentity,
  request: OutgoingRequest,
  isFirst: boolean,
): Promise<HopResponse> {
  const { url, headers, sendsCookies } = request;
  identity.beforeHop(url);
  if (isFirst && sendsCookies) identity.cookies.bindTo(url);
  const order = identity.headerOrder;
  const cookie = sendsCookies && !headers.has('cookie') ? identity.cookies.header(url) : '';
  const hop: Hop = {
    url,
    method: request.method,
    headers: headers.toFlat(cookie, order && { order, url }),
    body: request.body?.open() ?? null,
    signal: request.signal,
    headersTimeoutMs: request.headersTimeoutMs,
    bodyTimeoutMs: request.bodyTimeoutMs,
  };
  if (!identity.onHop) return identity.transport.send(hop);
  const sentAt = performance.now();
  const response = await identity.transport.send(hop);
  identity.onHop({ url, status: response.status, ms: performance.now() - sentAt });
  return response;
}

function storeCookies(cookies: SessionCookies, url: URL, response: HopResponse): void {
  const set = response.headers['set-cookie'];
  if (set !== undefined) cookies.storeFromResponse(url, typeof set === 'string' ? [set] : set);
}

function finish(request: OutgoingRequest, head: HopResponse, url: URL, redirected: boolean): Response {
  const { status } = head;
  const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304;
  const href = url.hash === '' ? url.href : url.href.slice(0, -url.hash.length);
  if (!hasBody) {
    // Nothing comes, but the transport must see that nobody waits for it.
    head.body.pipe({ chunk() {}, end() {}, fail() {} });
    return makeResponse(head, href, redirected, undefined);
  }
  return makeResponse(head, href, redirected, new ResponseBody(head, url, request.maxBodyBytes));
}

/**
 * Reads a redirect's own body, so that its connection can serve the next hop, and waits a little for its end; a long or slow one
 * is cut off. The turn of the loop at the end is the one after which undici takes up a connection again.
 */
async function drain(response: HopResponse, request: OutgoingRequest): Promise<void> {
  const { body } = response;
  let size = 0;
  if (
    request.method !== 'HEAD' &&
    Number(headerOf(response.headers, 'content-length') ?? 0) > maxDrainedBytes
  ) {
    body.cancel();
    return;
  }
  body.pipe({
    chunk(bytes) {
      size += bytes.length;
      if (size > maxDrainedBytes) body.cancel();
    },
    end() {},
    fail() {},
  });
  const timer = setTimeout(() => body.cancel(), maxDrainMs).unref();
  await new Promise<void>((resolve) => {
    const patience = setTimeout(resolve, maxWaitMs);
    body.onDone(() => {
      clearTimeout(timer);
      clearTimeout(patience);
      resolve();
    });
  });
  await new Promise((resolve) => setImmediate(resolve));
}
