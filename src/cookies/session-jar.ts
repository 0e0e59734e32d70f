import {
  type Callback,
  Cookie,
  CookieJar,
  canonicalDomain,
  defaultPath,
  domainMatch,
  pathMatch,
  type SetCookieOptions,
} from 'tough-cookie';
import type { BoundedStore } from './bounded-store.ts';
import { notCookieText } from './cookie.ts';
import { registrableDomain } from './site.ts';

/** Octets of one attribute's value (RFC 6265bis §5.6). */
const maxAttributeBytes = 1024;
const notHostText = /[^\x21-\x7e]/;
const prefixed = /^__(secure|host)-/i;

/**
 * tough-cookie's jar with the checks of RFC 6265bis that it lacks and a hostile site could use. It knowingly
 * differs from browsers, without harm, in these: a host-only cookie and a domain cookie of one name, host and
 * path replace each other; an empty `Domain` does not undo an earlier one; `=a=1` is named `a`; a tab inside a
 * value voids the cookie; a byte A0 at either end of a value is cut; paths match percent-decoded; a host with a
 * trailing dot is a host of its own; a `Domain` beyond ASCII is refused. `Secure` means https, on localhost too.
 */
export class SessionJar extends CookieJar {
  /** @param open called before every use of the store; throws once the jar's holder may no longer use it */
  constructor(store: BoundedStore, open?: () => void) {
    super(store, {
      looseMode: true,
      rejectPublicSuffixes: true,
      allowSpecialUseDomain: true,
      allowSecureOnLocal: false,
      // A cookie whose prefix promises too much is ignored without an error, as browsers do it.
      prefixSecurity: 'silent',
    });
    // Not enumerable, so that printing a jar shows no cookie.
    const get = () => {
      open?.();
      return store;
    };
    Object.defineProperty(this, 'store', { get, enumerable: false });
  }

  override setCookie(
    cookie: string | Cookie,
    url: string | URL,
    options?: SetCookieOptions | Callback<Cookie | undefined>,
    callback?: Callback<Cookie | undefined>,
  ): Promise<Cookie | undefined> {
    const from = typeof url === 'string' ? URL.parse(url) : url;
    const last = typeof options === 'function' ? options : callback;
    const given = typeof options === 'function' ? undefined : options;
    const admitted = from ? admit(cookie, from, this.store as BoundedStore) : cookie;
    // tough-cookie does not read '', and keeps silent about it, as a browser does about what it ignores.
    const [text, rest] = admitted ? [admitted, given] : ['', { ...given, ignoreError: true }];
    return super.setCookie(text, url, rest ?? {}, last as never) as never;
  }
}

function admit(given: string | Cookie, url: URL, store: BoundedStore): Cookie | undefined {
  const cookie = typeof given === 'string' ? parse(given) : given;
  const label = cookie?.key || cookie?.value;
  if (!cookie || !label || cookie.key.length + cookie.value.length > store.limits.maxBytes) return undefined;
  // tough-cookie would store it where no host finds it.
  if (cookie.domain && notHostText.test(cookie.domain)) return undefined;
  // A public suffix, a single label or an IP address that names itself means itself alone (§5.7, "public suffix").
  const host = url.hostname;
  if (cookie.domain === host && registrableDomain(host) === null) cookie.domain = null;
  // Servers may read names in any case, and a nameless value as a name (§5.4, §5.7).
  const prefix = prefixed.exec(label)?.[1]?.toLowerCase();
  if (prefix && (cookie.key === '' || !cookie.secure)) return undefined;
  const isForDomain = cookie.domain !== null && !cookie.hostOnly;
  if (prefix === 'host' && (isForDomain || cookie.path !== '/')) return undefined;
  return isSecure(url) || !overlaysSecure(cookie, url, store) ? cookie : undefined;
}

function parse(header: string): Cookie | undefined {
  // A control character voids the whole (§5.6, step 1); tough-cookie would cut the text there.
  if (notCookieText.test(header)) return undefined;
  if (header.length <= maxAttributeBytes) return Cookie.parse(header, { loose: true });
  const [pair, ...attributes] = header.split(';');
  const fine = attributes.filter(
    (text) => text.slice(text.indexOf('=') + 1).trim().length <= maxAttributeBytes,
  );
  return Cookie.parse([pair, ...fine].join(';'), { loose: true });
}

/**
 * Whether a cookie that came over plain HTTP would overlay a Secure one of its name (§5.7, "leave secure cookies
 * alone"): someone on the wire must not be able to replace what only the real site can set.
 */
function overlaysSecure(cookie: Cookie, url: URL, store: BoundedStore): boolean {
  const domain = cookie.domain ?? canonicalDomain(url.hostname) ?? '';
  const path = cookie.path?.startsWith('/') ? cookie.path : defaultPath(decode(url.pathname));
  for (const other of store.ofSiteOf(domain)) {
    if (!other.secure || other.key !== cookie.key || !pathMatch(path, other.path ?? '/')) continue;
    const theirs = other.domain ?? '';
    if (domainMatch(domain, theirs, false) || domainMatch(theirs, domain, false)) return true;
  }
  return false;
}

/** As tough-cookie does before it takes a path for the default. */
function decode(pathname: string): string {
  try {
    return decodeURI(pathname);
  } catch {
    return pathname;
  }
}

/** Only https is secure here, not http://localhost, on which browsers disagree among themselves. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || url.protocol === 'wss:';
}
