/** What a limit has counted of one user or one address. */
export interface Tally {
  windowStartedAt: number;
  windowRequests: number;
  /** 429s in the window. */
  windowViolations: number;
}

/** How much a limit allows, and how it counts. */
export interface LimitTerms {
  /** Requests in one window; one more is refused. */
  readonly requests: number;
  readonly windowMs: number;
  /** A refused request starts the window anew. */
  readonly countsRefused: boolean;
}

export function newTally(): Tally {
  return { windowStartedAt: 0, windowRequests: 0, windowViolations: 0 };
}

/**
 * Counts one request; returns 0, or how long the window still lasts once the limit is passed. A window of fixed
 * length costs a few numbers a user, and what it says about waiting is exact.
 */
export function countRequest(
  tally: Tally,
  { requests, windowMs, countsRefused }: LimitTerms,
  now: number,
): number {
  if (now >= tally.windowStartedAt + windowMs) {
    tally.windowStartedAt = now;
    tally.windowRequests = 0;
    tally.windowViolations = 0;
  }
  tally.windowRequests++;
  if (tally.windowRequests <= requests) return 0;
  tally.windowViolations++;
  if (countsRefused) tally.windowStartedAt = now;
  return tally.windowStartedAt + windowMs - now;
}

/** Whether so much of the limit is used up in this window. */
export function hasUsed(tally: Tally, { requests }: LimitTerms, share: number): boolean {
  return share < 1 && tally.windowRequests > requests * share;
}
