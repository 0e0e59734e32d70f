/** Where time comes from. Handed in where a test must move it by hand. */
export interface Clock {
  /** Wall time, epoch milliseconds. */
  now(): number;
  /** Milliseconds that never go back; only differences mean anything. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** `setTimeout` takes no more: what is longer would end at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
