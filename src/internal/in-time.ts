/** A source that does not answer by then has failed. */
const MAX_READ_MS = 30_000;

/**
 * Asks a source of the user's, which may never answer.
 * @param what it gives, for the message
 * @throws what it throws, or that it did not answer in time
 */
export async function inTime<T>(source: () => T | Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the source of ${what} did not answer for ${MAX_READ_MS} ms`)),
    MAX_READ_MS,
  );
  timer.unref();
  try {
    return await Promise.race([source(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
