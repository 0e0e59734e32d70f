/**
 * Calls something of the user's with a signal that aborts when the time is up or one of the others does, and ends with it:
 * also where what was called does not listen.
 * @throws the signal's reason, or what was thrown
 */
export async function callHook<T>(
  name: string,
  timeoutMs: number,
  signals: readonly (AbortSignal | undefined)[],
  call: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const timeIsUp = new AbortController();
  const signal = AbortSignal.any([timeIsUp.signal, ...signals.filter((one) => one !== undefined)]);
  signal.throwIfAborted();
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  const timer = setTimeout(
    () => timeIsUp.abort(new Error(`${name} took longer than createTimeoutMs (${timeoutMs} ms)`)),
    timeoutMs,
  );
  try {
    return await Promise.race([call(signal), ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
