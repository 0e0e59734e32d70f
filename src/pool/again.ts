import type { StoreError } from '../errors.ts';
import { isPromise, type MaybePromise } from '../internal/maybe-promise.ts';
import type { Lease } from '../stores/store.ts';
import type { PoolContext } from './context.ts';
import { isStoreAway, type Outage } from './outage.ts';

/**
 * Repeats a call that the store did not answer, until it does or the time is up; the last try is made at its end.
 * @throws StoreError `STORE_UNAVAILABLE`, of the last try
 */
export async function again<T>(
  outage: Outage,
  lastError: StoreError,
  leftMs: () => number,
  call: () => MaybePromise<T>,
): Promise<T> {
  for (let error = lastError; ; ) {
    const left = Math.min(leftMs(), outage.leftMs);
    if (left <= 0) throw error;
    await outage.pause(left);
    try {
      return await call();
    } catch (next) {
      if (!isStoreAway(next)) throw next;
      error = next;
    }
  }
}

/**
 * Gives back, as it was, what nobody uses: at once if the store answers, else beside the work, for as long as that is
 * of use. What cannot be given back runs out by itself.
 */
export async function returnUnused({ store, outage, settings }: PoolContext, grant: Lease): Promise<void> {
  try {
    const result = store.release(grant, null);
    if (isPromise(result)) await result;
  } catch (error) {
    if (!isStoreAway(error)) throw error;
    const until = performance.now() + settings.leaseMs;
    const left = () => until - performance.now();
    again(outage, error, left, () => store.release(grant, null, true)).catch(() => {});
  }
}
