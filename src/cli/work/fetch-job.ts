import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../index.ts';
import { type FetchMeans, fetchOne, isCutOff, mayRepeat } from '../fetch/fetch-one.ts';
import type { FetchRequest } from '../fetch/request-line.ts';
import { type Ending, isGood, resultOf } from '../fetch/result.ts';
import type { ListTerms } from '../queue/url-job.ts';

/** Before a URL goes back because the store did not answer. */
const STORE_PAUSE_MS = 1_000;

/** Fetches a URL of the queue on its list's terms; `undefined` where it has to go back, for another to begin anew. */
export async function fetchJob(
  request: FetchRequest,
  { retries, waitMs, maxBodyBytes }: ListTerms,
  { isStopped, ...means }: FetchMeans & { isStopped: () => boolean },
): Promise<Ending | undefined> {
  const isRepeatable = mayRepeat(request);
  // A number given with a request counts for every method, and no list asks for that: it may only forbid.
  const retried = isRepeatable || retries === 0 ? { retries } : {};
  const terms = { ...retried, timeoutMs: waitMs, maxBodyBytes };
  const ending = await fetchOne(request, { ...means, terms });
  if (isRepeatable && isStoreAway(ending.error)) {
    await sleep(STORE_PAUSE_MS, undefined, { signal: means.signal }).catch(() => {});
    return undefined;
  }
  if (isCutOff(ending, means.signal)) return undefined;
  // What would have been tried again, had the worker not been stopped.
  if (isStopped() && isRepeatable && !isGood(resultOf(request, ending))) return undefined;
  return ending;
}

function isStoreAway(error: unknown): boolean {
  return error instanceof StoreError && (error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_BUSY');
}
