/** What may be a user name and a password: up to the last `@`, for people forget to write `/` as `%2F`. */
const CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi;
/** Causes of causes. */
const MAX_DEPTH = 8;

/** A text with the credentials of the URLs in it left out: `http://…@host:8080`. */
export function maskUrls(text: string): string {
  return text.includes('@') ? text.replace(CREDENTIALS, '$1…@') : text;
}

/**
 * An error of the user's own code, with {@link maskUrls} done to what it says, and to its causes. Where there is nothing to
 * leave out it is the very same; else a copy, for the error itself is not ours to change.
 */
export function maskError<T>(error: T, depth = 0): T {
  if (typeof error === 'string') return maskUrls(error) as T;
  if (!(error instanceof Error) || depth > MAX_DEPTH) return error;
  const said = { message: error.message, stack: error.stack ?? '' };
  const masked = { message: maskUrls(said.message), stack: maskUrls(said.stack) };
  const cause = error.cause === undefined ? undefined : maskError(error.cause, depth + 1);
  if (masked.message === said.message && masked.stack === said.stack && cause === error.cause) return error;
  const copy = Object.create(Object.getPrototypeOf(error), Object.getOwnPropertyDescriptors(error));
  const set = (name: string, value: unknown) =>
    Object.defineProperty(copy, name, { value, writable: true, configurable: true, enumerable: false });
  set('message', masked.message);
  set('stack', masked.stack);
  if (cause !== undefined) set('cause', cause);
  return copy;
}
