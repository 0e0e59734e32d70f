import { OptionError } from '../errors.ts';
import { checkOptions, plainObject, text } from '../internal/options.ts';
import { HeaderList } from '../transport/header-list.ts';

/** One exit to the web. A session keeps its proxy for life: a user does not change the address in mid-visit. */
export interface SessionProxy {
  /** Names the proxy; without it, its URL does. */
  readonly id?: string;
  /** `http://user:password@host:port`, or `https:`, `socks5:`. */
  readonly url: string;
  /** Two letters, ISO 3166. */
  readonly country?: string;
}

/** The browser a session appears to be; all that a pool made of it (`BrowserIdentity`), or what you give. */
export interface Fingerprint {
  readonly userAgent: string;
  /** Headers sent with every request, in the browser's order, unless the caller gives them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly [more: string]: unknown;
}

const SCHEMES = ['http:', 'https:', 'socks5:'];

/**
 * Checks a proxy and puts it in its one form.
 * @throws OptionError that names what is wrong, and never shows the URL: it may hold a password
 */
export function proxyOf(given: string | SessionProxy): SessionProxy {
  const proxy = typeof given === 'string' ? { url: given } : given;
  plainObject(proxy, 'proxy');
  checkOptions(proxy, { id: text, url: text, country: text }, 'proxy');
  const url = URL.canParse(proxy.url) ? new URL(proxy.url) : undefined;
  if (!url || !SCHEMES.includes(url.protocol) || url.hostname === '') {
    throw new OptionError(
      'proxy.url',
      `option "proxy.url" must be a URL such as http://user:password@host:8080 (${SCHEMES.join(' ')})`,
    );
  }
  return Object.freeze({ ...proxy });
}

/** A proxy as people may see it: no user name, no password. */
export function showProxy(proxy: SessionProxy): string {
  const url = new URL(proxy.url);
  return proxy.id ?? `${url.protocol}//${url.host}`;
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
