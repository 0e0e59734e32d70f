import { LeaseError, TroupeError } from '../errors.ts';
import { toUrl } from '../internal/url.ts';
import type { SessionFetchInit } from '../session/fetch-init.ts';
import { loadSessionFetch } from '../session/load-fetch.ts';
import type { Judgement } from '../verdict/judge.ts';
import type { SessionLease } from './lease.ts';
import type { AcquireOptions, PoolSettings } from './options.ts';
import { checkFetchInit } from './options.ts';
import { pauseBefore, release } from './run.ts';
import { leaseUntilRead } from './stream.ts';
import { type TroupeInfo, withInfo } from './troupe-info.ts';

/** `fetch`'s second argument, with what a pool needs to know beside the standard. */
export interface PoolFetchInit extends Omit<SessionFetchInit, 'judge'> {
  /** Only as this session; then never retried as another. */
  id?: string;
  /**
   * How often to try again as another user. Without it GET, HEAD and OPTIONS are retried as often as the pool says, and
   * other methods only if the request provably never left.
   */
  retries?: number;
  /**
   * Gives the answer with its body still to come; the session is held until the body ends, is cancelled, or nobody
   * reads it for the pool's `requestTimeoutMs`.
   * @default false
   */
  stream?: boolean;
  /** How long to wait for a session, in milliseconds. @default the pool's `timeoutMs` */
  timeoutMs?: number;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Fetches as a user of the pool: acquire, send, judge, mark, release, and again as another where that helps. */
export async function poolFetch(
  input: string | URL | Request,
  init: PoolFetchInit,
  settings: PoolSettings,
  acquire: (options: AcquireOptions) => Promise<SessionLease>,
): Promise<Response> {
  checkFetchInit(init);
  const { id, retries, stream = false, timeoutMs, ...rest } = init;
  const request = await replayable(input, rest, retries);
  const maxBodyBytes = init.maxBodyBytes ?? settings.maxBodyBytes;
  const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
  const ask: AcquireOptions = { url: request.url };
  if (id !== undefined) ask.id = id;
  if (timeoutMs !== undefined) ask.timeoutMs = timeoutMs;
  if (signal) ask.signal = signal;

  /** What the last attempt came to, and the last that had an answer: an error is thrown only where there was none. */
  let last: (() => Response) | undefined;
  let answered: (() => Response) | undefined;
  for (let attempt = 1; ; attempt++) {
    let lease: SessionLease;
    try {
      lease = await acquire(ask);
    } catch (error) {
      // There is no other user to try as: what the last one got is the answer.
      if (last && error instanceof TroupeError) return (answered ?? last)();
      throw error;
    }
    const result = await fetchOnce(lease, request, {
      maxBodyBytes,
      stream,
      bodyTimeoutMs: settings.requestTimeoutMs,
      mayAskAgain: retriesFor(request, undefined, retries, settings.retries) > 0,
    });
    const { worst } = lease;
    const left = retriesFor(request, result, retries, settings.retries) - attempt;
    const mayRetry = left >= 0 && id === undefined && !signal?.aborted;
    const outcome = () => outcomeOf(result, lease, attempt);
    if (mayRetry && worst && worst.verdict !== 'ok' && worst.penalty !== 'none') {
      if ('response' in result && stream) await discard(result.response);
      else last = outcome;
      if ('response' in result && !stream) answered = outcome;
      await pauseBefore(worst, attempt, signal);
      continue;
    }
    // The user was taken away in the middle: that says nothing of the page.
    if (mayRetry && 'error' in result && result.error instanceof LeaseError) continue;
    return worst && 'error' in result && answered ? answered() : outcome();
  }
}

function outcomeOf(result: FetchResult, lease: SessionLease, attempt: number): Response {
  const { worst } = lease;
  if ('error' in result) {
    // Without a judgement it is the caller's own mistake or change of mind.
    throw worst ? withInfo(result.error as Error, infoOf(lease, worst, attempt)) : result.error;
  }
  return withInfo(result.response, infoOf(lease, worst, attempt));
}

/** A request that can be sent again: a body that can be read only once makes it one that cannot. */
interface Replayable {
  readonly url: URL;
  readonly method: string;
  readonly input: string | URL | Request;
  readonly init: SessionFetchInit;
  readonly canReplay: boolean;
}

async function replayable(
  input: string | URL | Request,
  init: SessionFetchInit,
  retries: number | undefined,
): Promise<Replayable> {
  const isRequest = input instanceof Request;
  const url = toUrl(isRequest ? input.url : input);
  const method = (init.method ?? (isRequest ? input.method : 'GET')).toUpperCase();
  const hasOwnBody = init.body !== undefined && init.body !== null;
  if (isRequest && input.body && !hasOwnBody && (retries ?? 0) > 0) {
    // Read once here, so that every attempt sends the same.
    return { url, method, input, init: { ...init, body: await input.arrayBuffer() }, canReplay: true };
  }
  const body = hasOwnBody ? init.body : isRequest ? input.body : null;
  const canReplay = body === null || body === undefined || !isStream(body);
  return { url, method, input, init, canReplay };
}

function isStream(body: unknown): boolean {
  if (body instanceof ReadableStream) return true;
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** An attempt's end, and whether its request provably never left. */
type FetchResult = { readonly response: Response } | { readonly error: unknown; readonly neverSent: boolean };

interface FetchTerms {
  maxBodyBytes: number;
  stream: boolean;
  bodyTimeoutMs: number;
  /** As the same user, once that is logged in again. */
  mayAskAgain: boolean;
}

async function fetchOnce(lease: SessionLease, request: Replayable, terms: FetchTerms): Promise<FetchResult> {
  let response: Response;
  try {
    const sessionFetch = await loadSessionFetch();
    const init = { ...request.init, maxBodyBytes: terms.maxBodyBytes };
    for (;;) {
      response = await sessionFetch(lease.session, lease, request.input, init, !terms.stream);
      if (!terms.mayAskAgain || !(await lease.loginAgain())) break;
      await discard(response);
    }
    if (terms.stream && response.body)
      return { response: await leaseUntilRead(response, lease, terms.bodyTimeoutMs) };
  } catch (error) {
    // The caller's own mistake or change of mind says nothing of the user.
    await release(lease);
    return { error, neverSent: (error as { neverSent?: unknown }).neverSent === true };
  }
  await release(lease);
  return { response };
}

function retriesFor(
  request: Replayable,
  result: FetchResult | undefined,
  given: number | undefined,
  usual: number,
): number {
  if (!request.canReplay) return 0;
  if (given !== undefined) return given;
  if (SAFE_METHODS.has(request.method)) return usual;
  return result && 'error' in result && result.neverSent ? usual : 0;
}

/** A refused answer that is not handed on: its stream, and with it the lease, is let go. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

function infoOf(lease: SessionLease, worst: Judgement | undefined, attempts: number): TroupeInfo {
  return {
    sessionId: lease.grant.id,
    verdict: worst?.verdict ?? 'ok',
    rule: worst?.rule ?? '',
    evidence: worst?.evidence ?? '',
    attempts,
    isBadUrl: worst?.penalty === 'none',
  };
}
