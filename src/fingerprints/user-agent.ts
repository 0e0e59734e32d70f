import type { BrowserKind, BrowserName, OperatingSystem } from './browser-identity.ts';

/** Chromium and WebKit in other clothes: their TLS or their headers are not those of the browsers we know. */
const OTHERS =
  /OPR\/|OPT\/|SamsungBrowser|YaBrowser|Vivaldi|UCBrowser|DuckDuckGo|Ddg\/|Brave|Electron|HeadlessChrome|CriOS|FxiOS|EdgiOS|GSA\/|; wv\)|WebView/;

const VERSIONS: readonly [BrowserName, RegExp][] = [
  ['edge', /\bEdg(?:A)?\/(\d+)/],
  ['chrome', /\bChrome\/(\d+)/],
  ['firefox', /\bFirefox\/(\d+)/],
  ['safari', /\bVersion\/(\d+)[\d.]* (?:Mobile\/\w+ )?Safari\//],
];

const SYSTEMS: readonly [OperatingSystem, RegExp][] = [
  ['ios', /\((?:iPhone|iPad|iPod)/],
  ['android', /\bAndroid\b/],
  ['windows', /\(Windows NT/],
  ['macos', /\(Macintosh;/],
  ['linux', /\(X11; (?:\w+; )?Linux/],
];

/** Which browser a User-Agent names; undefined where it is none of {@link BROWSERS}, or cannot be read. */
export function readUserAgent(userAgent: string): BrowserKind | undefined {
  if (OTHERS.test(userAgent)) return undefined;
  const os = SYSTEMS.find(([, pattern]) => pattern.test(userAgent))?.[0];
  if (!os) return undefined;
  for (const [browser, pattern] of VERSIONS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version === undefined) continue;
    return {
      browser,
      version: Number(version),
      os,
      device: /\bMobile\b/.test(userAgent) ? 'mobile' : 'desktop',
    };
  }
  return undefined;
}

/** Chrome and Edge: one engine, one set of headers, one TLS. */
export function isChromium(browser: BrowserName): boolean {
  return browser === 'chrome' || browser === 'edge';
}
