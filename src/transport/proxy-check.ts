import { setTimeout as sleep } from 'node:timers/promises';
import { FetchError, type FetchErrorCode } from './fetch-error.ts';
import { type ProxyAddress, withoutBrackets } from './proxy-address.ts';
import { mayForward } from './proxy-answer.ts';
import { ProxyFailure } from './proxy-failure.ts';
import type { Hop } from './transport.ts';
import { openTunnel } from './tunnel.ts';

/** A proxy that takes longer to open a tunnel than most sites to answer is as good as dead. */
const MAX_OPENING_MS = 5_000;
/** A tunnel that leads nowhere is closed at once; no server closes a new connection that soon. */
const STANDS_AFTER_MS = 100;

const DOUBTFUL: ReadonlySet<FetchErrorCode> = new Set(['FETCH_CONNECT', 'FETCH_TIMEOUT', 'FETCH_RESET']);

/** Whether it may have been either's fault: the site's or the proxy's. A body that breaks off stays the site's: there was an answer. */
export function isDoubtful(error: unknown): error is FetchError {
  return (
    error instanceof FetchError &&
    error.proxyFault === undefined &&
    error.phase !== 'body' &&
    DOUBTFUL.has(error.code)
  );
}

/**
 * Whose fault an error was that came by way of a proxy: asks the proxy for another tunnel to there. If it has none, the
 * answer is the same error with the proxy's fault in it. The site sees at most a connection without a byte.
 */
export async function blame(
  error: FetchError,
  proxy: ProxyAddress,
  hop: Hop,
  tls?: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { signal } = hop;
  const limit = AbortSignal.timeout(MAX_OPENING_MS);
  const failure = await failureNow(proxy, hop.url, signal ? AbortSignal.any([limit, signal]) : limit, tls);
  if (signal?.aborted) return signal.reason;
  if (!failure) return error;
  const { code, phase, neverSent } = error;
  return new FetchError({
    ...{ code, phase, neverSent, url: hop.url },
    ...{ proxyFault: failure.fault, cause: failure },
  });
}

async function failureNow(
  proxy: ProxyAddress,
  url: URL,
  signal: AbortSignal,
  tls: Readonly<Record<string, unknown>> | undefined,
): Promise<ProxyFailure | undefined> {
  const isSecure = url.protocol === 'https:';
  const target = { host: withoutBrackets(url.hostname), port: Number(url.port) || (isSecure ? 443 : 80) };
  try {
    const socket = await openTunnel(proxy, target, { signal, tls });
    let isClosed = false;
    const closed = () => {
      isClosed = true;
    };
    // It is read, since the end of what nobody reads is not told.
    socket.on('error', closed).on('close', closed).on('end', closed).resume();
    await sleep(STANDS_AFTER_MS);
    socket.destroy();
    return isClosed ? new ProxyFailure('the proxy closed the tunnel at once', { fault: 'exit' }) : undefined;
  } catch (error) {
    // It answers: that it forwards only is no fault.
    if (!isSecure && mayForward(error)) return undefined;
    return error instanceof ProxyFailure ? error : undefined;
  }
}
