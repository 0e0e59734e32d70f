import type { SessionCookies } from '../cookies/session-cookies.ts';
import { formBoundaryFor } from '../fingerprints/form-boundary.ts';
import { headerOrderFor } from '../fingerprints/header-order.ts';
import { toUrl } from '../internal/url.ts';
import { VERSION } from '../internal/version.ts';
import { fetchAs } from '../transport/fetch.ts';
import { FetchError } from '../transport/fetch-error.ts';
import { ImpitTransport } from '../transport/impit.ts';
import type { LoadedImpit } from '../transport/impit-package.ts';
import { bodyDone, headOf, listenToBeginning, readWhole } from '../transport/response.ts';
import type { Transport } from '../transport/transport.ts';
import { UndiciTransport } from '../transport/undici.ts';
import { LOOKED_AT_BYTES } from '../verdict/answer.ts';
import type { SessionBond } from './bond.ts';
import type { SessionFetchInit } from './fetch-init.ts';
import type { Fingerprint, SessionProxy } from './identity.ts';

/** Of a session, what a request needs. */
interface Identity {
  readonly cookies: SessionCookies;
  readonly proxy: SessionProxy | undefined;
  readonly fingerprint: Fingerprint | undefined;
}

/** Without a fingerprint a session says who it is. */
const OWN_USER_AGENT = `troupe/${VERSION}`;

const ownTransports = new WeakMap<Identity, Transport>();

/** The connections of a session that no pool keeps: undici lets go of idle ones by itself. */
function ownTransport(session: Identity): Transport {
  let transport = ownTransports.get(session);
  if (!transport) {
    transport = transportFor(session);
    ownTransports.set(session, transport);
  }
  return transport;
}

/**
 * Makes a session's own connections, through its proxy if it has one.
 * @param options.impit on impit, as the browser of its fingerprint
 * @throws OptionError where impit cannot appear as that browser
 */
export function transportFor(
  { proxy, fingerprint }: Pick<Identity, 'proxy' | 'fingerprint'>,
  { timeoutMs, impit }: { timeoutMs?: number; impit?: LoadedImpit | undefined } = {},
): Transport {
  if (impit) {
    // It has one limit for connecting and for the head.
    const timeouts =
      timeoutMs === undefined ? {} : { headersTimeoutMs: 2 * timeoutMs, bodyTimeoutMs: timeoutMs };
    const browser = fingerprint && { userAgent: fingerprint.userAgent };
    return new ImpitTransport({ ...timeouts, ...browser, ...(proxy && { proxy: proxy.url }) }, impit);
  }
  const timeouts =
    timeoutMs === undefined
      ? {}
      : { connectTimeoutMs: timeoutMs, headersTimeoutMs: timeoutMs, bodyTimeoutMs: timeoutMs };
  return new UndiciTransport(proxy ? { ...timeouts, proxy: proxy.url } : timeouts);
}

/**
 * Fetches as this session, and tells its pool, if it has one, how it went.
 * @param isWhole reads the whole body before it judges, so that one cut short is a failure and not a good use
 */
export async function sessionFetch(
  session: Identity,
  bond: SessionBond | undefined,
  input: string | URL | Request,
  init: SessionFetchInit = {},
  isWhole = false,
): Promise<Response> {
  const { judge: isJudged = true, ...rest } = init;
  const url = toUrl(input instanceof Request ? input.url : input);
  const callers = rest.signal ?? (input instanceof Request ? input.signal : undefined);
  const signal = bond && callers ? AbortSignal.any([callers, bond.signal]) : (callers ?? bond?.signal);
  const leave = await bond?.enter(url, signal);
  let response: Response | undefined;
  try {
    const identity = {
      cookies: session.cookies,
      transport: bond ? await bond.transport(url) : ownTransport(session),
      userAgent: session.fingerprint?.userAgent ?? OWN_USER_AGENT,
      defaultHeaders: Object.entries(session.fingerprint?.headers ?? {}),
      formBoundary: () => session.fingerprint && formBoundaryFor(session.fingerprint.userAgent),
      headerOrder: session.fingerprint && headerOrderFor(session.fingerprint.userAgent),
      beforeHop: () => bond?.beforeHop(),
    };
    const maxBodyBytes = rest.maxBodyBytes ?? bond?.maxBodyBytes;
    response = await fetchAs(identity, input, { ...rest, maxBodyBytes, signal: signal ?? null });
    const body = isWhole ? await readWhole(response, maxBodyBytes) : undefined;
    if (bond && isJudged) tellOutcome(bond, url, response, body);
    return response;
  } catch (error) {
    // The caller's change of mind, a mistake in the arguments and the lease's end say nothing of the user.
    if (bond && isJudged && isNetworkError(error)) bond.onOutcome(url, { error });
    throw error;
  } finally {
    // Present at the site until the last byte has come.
    if (leave) void (response ? bodyDone(response) : Promise.resolve()).then(leave);
  }
}

/** A body that is still to come is judged as it is read; until then the head has the word. */
function tellOutcome(bond: SessionBond, url: URL, response: Response, body: Uint8Array | undefined): void {
  const head = headOf(response);
  if (body) {
    bond.onOutcome(url, { ...head, body });
    return;
  }
  const verdict = bond.onOutcome(url, head);
  if (verdict !== 'ok') return;
  listenToBeginning(response, LOOKED_AT_BYTES, (bytes) => bond.onPage(url, { ...head, body: bytes }));
}

/** Whether it is a network error of `fetch`: the site's or the network's fault, not the caller's. */
function isNetworkError(error: unknown): error is FetchError {
  return error instanceof FetchError && !CALLERS_FAULT.has(error.code);
}

/** What the caller asked for itself: its own body failed, its limits were too small, its pool was closed. */
const CALLERS_FAULT = new Set(['FETCH_REQUEST_BODY', 'FETCH_TOO_LARGE', 'FETCH_CLOSED']);
