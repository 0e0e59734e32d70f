import type { BrowserKind } from '../fingerprints/browser-identity.ts';
import { isChromium, readUserAgent } from '../fingerprints/user-agent.ts';
import type { ImpitConstructor } from './impit-client.ts';

/** Major version → impit's name, for each kind of TLS that it can send. */
export interface ImpitProfiles {
  readonly chromium: ReadonlyMap<number, string>;
  readonly firefox: ReadonlyMap<number, string>;
  /** Safari on iOS; impit has none of the Mac's. */
  readonly ios: ReadonlyMap<number, string>;
}

/**
 * Which profiles this impit has: it is asked, since it exports no list, and a newer one knows more. A name that it does
 * not know throws.
 */
export function findProfiles(Impit: ImpitConstructor): ImpitProfiles {
  const known = (prefix: string, from: number, to: number) => {
    const found = new Map<number, string>();
    for (let version = from; version <= to; version++) {
      const browser = `${prefix}${version}`;
      try {
        new Impit({ browser, followRedirects: false });
        found.set(version, browser);
      } catch {}
    }
    return found;
  };
  return {
    chromium: known('chrome', 110, 199),
    firefox: known('firefox', 120, 199),
    ios: known('ios', 16, 30),
  };
}

/** Whether impit has the TLS and HTTP/2 of this very version. Edge has Chrome's, on every system. */
export function impitCanAppearAs(profiles: ImpitProfiles, kind: BrowserKind): boolean {
  return profilesOf(profiles, kind)?.has(kind.version) === true;
}

/**
 * The profile for a User-Agent: its own version's, or the nearest older one's, or else the oldest. Undefined for what
 * impit cannot appear as at all.
 */
export function profileFor(profiles: ImpitProfiles, userAgent: string): string | undefined {
  const kind = readUserAgent(userAgent);
  const versions = kind && profilesOf(profiles, kind);
  if (!versions || versions.size === 0) return undefined;
  const sorted = [...versions.keys()].sort((a, b) => a - b);
  const version = sorted.findLast((candidate) => candidate <= kind.version) ?? sorted[0]!;
  return versions.get(version);
}

function profilesOf(profiles: ImpitProfiles, { browser, os }: BrowserKind) {
  if (isChromium(browser)) return os === 'ios' ? undefined : profiles.chromium;
  if (browser === 'firefox') return os === 'ios' ? undefined : profiles.firefox;
  return os === 'ios' ? profiles.ios : undefined;
}
