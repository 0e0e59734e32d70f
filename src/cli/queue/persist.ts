import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 250;

/** Replies of a server that is starting, failing over or full for the moment. */
const PASSING_REPLIES = /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|MISCONF|UNBLOCKED)\b/;
/** Errors of the clients' own for a connection that is not there. Neither gives them a code. */
const CONNECTION_ERRORS = [
  'ClientClosedError',
  'ClientOfflineError',
  'CommandTimeoutDuringMaintenanceError',
  'ConnectionClosedError',
  'ConnectionTimeoutError',
  'DisconnectsClientError',
  'ReconnectStrategyError',
  'SocketClosedUnexpectedlyError',
  'SocketTimeoutDuringMaintenanceError',
  'SocketTimeoutError',
  'TimeoutError',
];

/** Whether the server is only away: what failed may succeed when it is back. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return true;
  return CONNECTION_ERRORS.includes(error.constructor.name) || PASSING_REPLIES.test(error.message);
}

/**
 * Does it again for as long as the server is away. What it does must bear being done twice: an answer may be lost.
 * @param signal gives up, with the last error
 */
export async function persist<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (!isAway(error) || signal?.aborted) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
