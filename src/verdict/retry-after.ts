/**
 * How long a site asks to stay away, in milliseconds: `Retry-After` as seconds or as an HTTP date (RFC 9110 section
 * 10.2.3). A date counts from the answer's own `Date`, so that a clock that is off, ours or theirs, does not matter.
 * `undefined` without the header or where it makes no sense.
 */
export function retryAfterMs(headers: Pick<Headers, 'get'>, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Math.min(Math.round(Number(value) * 1000), Number.MAX_SAFE_INTEGER);
  const until = httpDate(value);
  if (until === undefined) return undefined;
  const answeredAt = httpDate(headers.get('date') ?? '') ?? now;
  return Math.max(0, until - answeredAt);
}

/** The three forms of RFC 9110 section 5.6.7 all begin with a day's name; `Date.parse` alone would take `-1`. */
function httpDate(value: string): number | undefined {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(value)) return undefined;
  const instant = Date.parse(/GMT$/i.test(value) ? value : `${value} GMT`);
  return Number.isNaN(instant) ? undefined : instant;
}
