/**
 * A URL from what a caller gave. Node's own error carries the whole text, credentials and tokens included, and prints
 * it: this one does not.
 * @throws TypeError
 */
export function toUrl(input: string | URL): URL {
  const url = input instanceof URL ? input : URL.parse(String(input));
  if (!url) throw new TypeError('invalid URL; it must be an absolute one');
  return url;
}
