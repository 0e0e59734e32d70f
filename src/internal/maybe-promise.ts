/**
 * A value, or the promise of one. What can answer at once does: a turn of the promise queue costs as much
 * as the whole lease does in memory.
 */
export type MaybePromise<T> = T | Promise<T>;

export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise;
}
