/** One cookie of a request, as it came. */
export type CookiePair = readonly [name: string, value: string];

const none: readonly CookiePair[] = [];

/**
 * The cookies of a `Cookie` header, in their order, doubles included: a test must see what was sent, not
 * what a tolerant parser makes of it.
 */
export function parseCookies(header: string | undefined): readonly CookiePair[] {
  if (!header) return none;
  const pairs: CookiePair[] = [];
  for (const part of header.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) pairs.push([part.slice(0, equals).trim(), part.slice(equals + 1).trim()]);
  }
  return pairs;
}

/** The value of the first cookie with that name. */
export function cookieValue(cookies: readonly CookiePair[], name: string): string | undefined {
  for (const pair of cookies) if (pair[0] === name) return pair[1];
  return undefined;
}

/** Name → value, for a JSON answer; of doubles the first counts, as it does for the site. */
export function cookieRecord(cookies: readonly CookiePair[]): Record<string, string> {
  // No prototype: a hostile name such as `__proto__` is a name like any other.
  const record: Record<string, string> = Object.create(null);
  for (const [name, value] of cookies) record[name] ??= value;
  return record;
}

// RFC 6265bis section 4.1.1: a name is a token, a value has no controls, spaces, quotes, commas, semicolons or backslashes.
const namePattern = /^[\w!#$%&'*+.^`|~-]+$/;
const valuePattern = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/** Whether the pair can stand in a `Set-Cookie` header as it is. */
export function isCookie(name: string, value: string): boolean {
  return namePattern.test(name) && valuePattern.test(value);
}
