/** A site's memory of one key: whether one more request passes at this instant. */
export interface Limiter {
  /** `false`: refused. */
  admits(key: string, now: number): boolean;
}

/** `requests` in each window of `windowMs`, which begins with its first request. */
export function fixedWindow(requests: number, windowMs: number, refusedCount = false): Limiter {
  const windows = new Map<string, { since: number; count: number }>();
  return {
    admits(key, now) {
      let window = windows.get(key);
      if (!window || now >= window.since + windowMs) {
        window = { since: now, count: 0 };
        windows.set(key, window);
      }
      window.count += 1;
      if (window.count <= requests) return true;
      if (refusedCount) window.since = now;
      return false;
    },
  };
}

/** `requests` in any stretch of `windowMs`. */
export function slidingWindow(requests: number, windowMs: number, refusedCount = false): Limiter {
  const seen = new Map<string, number[]>();
  return {
    admits(key, now) {
      const times = (seen.get(key) ?? []).filter((time) => time > now - windowMs);
      seen.set(key, times);
      const isAdmitted = times.length < requests;
      if (isAdmitted || refusedCount) times.push(now);
      return isAdmitted;
    },
  };
}

/** A bucket of `burst` tokens that fills up by `perSecond`. */
export function tokenBucket(burst: number, perSecond: number): Limiter {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    admits(key, now) {
      const bucket = buckets.get(key) ?? { tokens: burst, at: now };
      buckets.set(key, bucket);
      bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
      bucket.at = now;
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
