import { siteOf, siteOfHost } from '../cookies/site.ts';
import { OptionError } from '../errors.ts';
import { describe } from '../internal/options.ts';

/** A hostname that needs no parser to be read. */
const PLAIN_HOST = /^[a-z0-9.-]+$/;

/**
 * The site that somebody names: by a URL of it, or by its name or a host's, as lists and events show it.
 * @throws OptionError where it is neither
 */
export function siteNamed(site: string | URL, path = 'site'): string {
  if (typeof site === 'string' && PLAIN_HOST.test(site)) return siteOfHost(site);
  // `localhost:8080` would parse as a URL of the scheme `localhost`.
  const url = typeof site === 'string' && !site.includes('://') ? `http://${site}` : site;
  const parsed = url instanceof URL ? url : typeof url === 'string' ? URL.parse(url) : null;
  if (parsed === null || parsed.hostname === '') {
    throw new OptionError(
      path,
      `option "${path}" must be a site's name such as "example.com", or a URL of it; got ${describe(site)}`,
    );
  }
  return siteOf(parsed);
}
