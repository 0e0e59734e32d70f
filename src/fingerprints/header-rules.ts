import type { BrowserIdentity, DeviceKind, OperatingSystem } from './browser-identity.ts';
import { brandsHeader, HINTED_PLATFORMS, hasClientHints } from './client-hints.ts';
import type { CoherenceRule } from './coherence-rule.ts';
import { acceptLanguage } from './languages.ts';
import { isChromium, readUserAgent } from './user-agent.ts';

/** A header of the identity by its lower-case name. */
function header(identity: BrowserIdentity, lowerName: string): string | undefined {
  for (const name in identity.headers) if (name.toLowerCase() === lowerName) return identity.headers[name];
  return undefined;
}

/** Where each browser exists as itself: on iOS all are Safari's engine, with Safari's TLS. */
const SYSTEMS_OF: Readonly<Record<BrowserIdentity['browser'], readonly OperatingSystem[]>> = {
  chrome: ['windows', 'macos', 'linux', 'android'],
  edge: ['windows', 'macos', 'linux', 'android'],
  firefox: ['windows', 'macos', 'linux', 'android'],
  safari: ['macos', 'ios'],
};

const DEVICE_OF: Readonly<Record<OperatingSystem, DeviceKind>> = {
  windows: 'desktop',
  macos: 'desktop',
  linux: 'desktop',
  android: 'mobile',
  ios: 'mobile',
};

/** What browsers have frozen in their User-Agent, whatever the machine (Chromium's UA reduction; WebKit; Gecko). */
const FROZEN: readonly [browsers: RegExp, since: number, os: RegExp, pattern: RegExp][] = [
  [/chrome|edge/, 110, /./, / Chrome\/\d+\.0\.0\.0 /],
  [/chrome|edge/, 110, /android/, /\(Linux; Android 10; K\)/],
  [/chrome|edge/, 107, /windows/, /\(Windows NT 10\.0; Win64; x64\)/],
  [/chrome|edge/, 107, /macos/, /\(Macintosh; Intel Mac OS X 10_15_7\)/],
  [/chrome|edge/, 107, /linux/, /\(X11; Linux x86_64\)/],
  [/firefox/, 120, /windows/, /\(Windows NT 10\.0; Win64; x64; rv:/],
  [/firefox/, 120, /macos/, /\(Macintosh; Intel Mac OS X 10\.15; rv:/],
  [/safari/, 15, /macos/, /\(Macintosh; Intel Mac OS X 10_15_7\)/],
];

/** What a site sees in a request's headers, and of where the browser sits. */
export const HEADER_RULES: readonly CoherenceRule[] = [
  {
    rule: 'the User-Agent names the browser, its version, the system and the device',
    check({ userAgent, browser, version, os, device }) {
      const kind = readUserAgent(userAgent);
      const isSame =
        kind?.browser === browser && kind.version === version && kind.os === os && kind.device === device;
      return isSame ? undefined : `${browser} ${version} on ${os}, ${device}, as: ${userAgent}`;
    },
  },
  {
    rule: 'the browser exists on the system',
    check: ({ browser, os }) => (SYSTEMS_OF[browser].includes(os) ? undefined : `${browser} on ${os}`),
  },
  {
    rule: 'the system runs on the device',
    check: ({ os, device }) => (DEVICE_OF[os] === device ? undefined : `${os} on a ${device} device`),
  },
  {
    rule: 'the User-Agent is as frozen as the version has it',
    check({ userAgent, browser, version, os }) {
      const broken = FROZEN.find(
        ([browsers, since, systems, pattern]) =>
          browsers.test(browser) && version >= since && systems.test(os) && !pattern.test(userAgent),
      );
      return broken && userAgent;
    },
  },
  {
    rule: 'Firefox repeats its version',
    check({ userAgent, browser, version }) {
      if (browser !== 'firefox' || version < 120) return undefined;
      return userAgent.includes(`rv:${version}.0)`) && userAgent.endsWith(`Firefox/${version}.0`)
        ? undefined
        : userAgent;
    },
  },
  {
    rule: 'the header User-Agent is the identity’s',
    check(identity) {
      const sent = header(identity, 'user-agent');
      return sent === identity.userAgent ? undefined : `${sent}`;
    },
  },
  {
    rule: 'only Chromium sends client hints, and its brands are those of the version',
    check(identity) {
      const sent = header(identity, 'sec-ch-ua');
      const { browser, version } = identity;
      if (!hasClientHints(browser)) return sent;
      return sent === brandsHeader(browser, version) ? undefined : `${sent ?? 'none'}`;
    },
  },
  {
    rule: 'Sec-CH-UA-Mobile is that of the device',
    check(identity) {
      const sent = header(identity, 'sec-ch-ua-mobile');
      if (!hasClientHints(identity.browser)) return sent;
      return sent === (identity.device === 'mobile' ? '?1' : '?0') ? undefined : `${sent ?? 'none'}`;
    },
  },
  {
    rule: 'Sec-CH-UA-Platform is that of the system',
    check(identity) {
      const sent = header(identity, 'sec-ch-ua-platform');
      if (!hasClientHints(identity.browser)) return sent;
      return sent === `"${HINTED_PLATFORMS[identity.os]}"` ? undefined : `${sent ?? 'none'}`;
    },
  },
  {
    rule: 'Accept is that of the engine',
    check(identity) {
      const sent = header(identity, 'accept') ?? 'none';
      const isChromiums = sent.endsWith('image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7');
      const names = /apng|signed-exchange/.test(sent);
      return (isChromium(identity.browser) ? isChromiums : !names && sent.startsWith('text/html'))
        ? undefined
        : sent;
    },
  },
  {
    rule: 'Accept-Encoding is that of the version',
    check(identity) {
      const { browser, version } = identity;
      const sent = header(identity, 'accept-encoding') ?? 'none';
      const hasZstd = browser !== 'safari' && version >= (browser === 'firefox' ? 126 : 123);
      return sent === (hasZstd ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br') ? undefined : sent;
    },
  },
  {
    rule: 'Accept-Language names the languages of the browser, weighted as it does',
    check(identity) {
      const sent = header(identity, 'accept-language') ?? 'none';
      return sent === acceptLanguage(identity.browser, identity.languages) ? undefined : sent;
    },
  },
  {
    rule: 'the first language is that of the locale',
    check({ languages, locale }) {
      const first = languages[0];
      return first === locale || first === locale.split('-')[0]
        ? undefined
        : `${first} in the locale ${locale}`;
    },
  },
  {
    rule: 'the time zone exists',
    check: ({ timeZone }) => (isTimeZone(timeZone) ? undefined : timeZone),
  },
];

const timeZones = new Set<string>();

/** Asked once for each: a format costs more than all rules together. */
function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    timeZones.add(name);
    return true;
  } catch {
    return false;
  }
}
