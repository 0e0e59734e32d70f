import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.ts';
import { MAX_TIMER_MS } from '../internal/clock.ts';
import type { PoolCore } from './core.ts';
import { type AcquireOptions, checkAcquireOptions, type PoolSettings } from './options.ts';
import { isStoreAway, MIN_LOOK_MS } from './outage.ts';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/**
 * Opens a pool for one who wants a session: where its store is away, that is waited for as for a session.
 * @param open opens it, or joins who does so already
 */
export async function openFor(
  options: AcquireOptions = {},
  settings: PoolSettings,
  open: () => Promise<PoolCore>,
): Promise<PoolCore> {
  checkAcquireOptions(options);
  const { signal: given, timeoutMs = settings.timeoutMs } = options;
  given?.throwIfAborted();
  const until = performance.now() + timeoutMs;
  const timeIsUp = AbortSignal.timeout(Math.min(Math.max(Math.ceil(timeoutMs), MIN_LOOK_MS), MAX_TIMER_MS));
  const signal = given ? AbortSignal.any([given, timeIsUp]) : timeIsUp;
  const gaveUp = Promise.withResolvers<never>();
  gaveUp.promise.catch(() => {});
  const giveUp = () => gaveUp.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  let cause: StoreError | undefined;
  try {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        return await Promise.race([open(), gaveUp.promise]);
      } catch (error) {
        if (!isStoreAway(error)) throw error;
        cause = error;
      }
      const leftMs = until - performance.now();
      if (leftMs <= 0) throw timeIsUp;
      await Promise.race([sleep(Math.min(pauseMs * (0.5 + 0.5 * Math.random()), leftMs)), gaveUp.promise]);
    }
  } catch (error) {
    if (error !== timeIsUp && error !== timeIsUp.reason) throw error;
    const why = cause ? `: ${cause.message}` : ', for it did not answer';
    const message = `pool "${settings.name}": its store could not be opened within ${timeoutMs} ms${why}`;
    throw new StoreError('STORE_UNAVAILABLE', message, cause && { cause });
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
