import { OptionError } from '../errors.ts';
import { number, plainObject, text } from '../internal/options.ts';
import { checkProxy, type ProxyRecord } from '../proxies/proxy.ts';
import { hasSessionMark, sessionToken, withToken } from '../proxies/session-mark.ts';
import { HeaderList } from '../transport/header-list.ts';

/** The proxy of a session, which it keeps for life: a user does not change the address in mid-visit. */
export interface SessionProxy extends ProxyRecord {
  /** When a pool gave it to the session from its list, in epoch milliseconds; absent where the session brought its own. */
  readonly assignedAt?: number;
  /** How often the session was given another since it was made. */
  readonly rotation?: number;
}

/** The browser a session appears to be; all that a pool made of it (`BrowserIdentity`), or what you give. */
export interface Fingerprint {
  readonly userAgent: string;
  /** Headers sent with every request, in the browser's order, unless the caller gives them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly [more: string]: unknown;
}

const proxyChecks = { assignedAt: number(), rotation: number({ integer: true }) };

/**
 * Checks a proxy and puts it in its one form.
 * @throws OptionError that names what is wrong, and never shows the URL: it may hold a password
 */
export function proxyOf(given: string | SessionProxy): SessionProxy {
  const proxy = typeof given === 'string' ? { url: given } : given;
  checkProxy(proxy, 'proxy', proxyChecks);
  return Object.freeze({ ...proxy });
}

/**
 * The proxy as one user uses it: with a word of its own, where the URL has a place for one.
 * @param user whose word: the session's id, or its account, which goes by one exit whatever session it has
 */
export function proxyAsUsed(proxy: SessionProxy, user: string): SessionProxy {
  if (!hasSessionMark(proxy.url)) return proxy;
  return { ...proxy, url: withToken(proxy.url, sessionToken(user, proxy.rotation)) };
}

/**
 * Checks a fingerprint.
 * @throws OptionError
 */
export function fingerprintOf(given: Fingerprint): Fingerprint {
  text(given.userAgent, 'fingerprint.userAgent');
  checkHeader('user-agent', given.userAgent, 'fingerprint.userAgent');
  if (given.headers !== undefined) {
    plainObject(given.headers, 'fingerprint.headers');
    for (const [name, value] of Object.entries(given.headers)) {
      if (typeof value !== 'string')
        throw new OptionError(
          `fingerprint.headers.${name}`,
          `option "fingerprint.headers.${name}" must be a string`,
        );
      if (NOT_A_BROWSERS_CHOICE.has(name.toLowerCase())) {
        const path = `fingerprint.headers.${name}`;
        throw new OptionError(path, `option "${path}" is not a fingerprint's: it is set for each request`);
      }
      checkHeader(name, value, `fingerprint.headers.${name}`);
    }
  }
  return given;
}

/** A cookie here would silently replace the session's own. */
const NOT_A_BROWSERS_CHOICE = new Set([
  'cookie',
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
]);

/** Now, and not with the first request, which would fail for a reason that looks like the site's. */
function checkHeader(name: string, value: string, path: string): void {
  try {
    new HeaderList().append(name, value);
  } catch {
    throw new OptionError(
      path,
      `option "${path}" must be a header that can be sent: a name and one line of text`,
    );
  }
}
