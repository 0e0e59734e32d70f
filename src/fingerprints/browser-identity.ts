/** The browsers whose identities can be made. */
export const BROWSERS = ['chrome', 'edge', 'firefox', 'safari'] as const;
export type BrowserName = (typeof BROWSERS)[number];

export const OPERATING_SYSTEMS = ['windows', 'macos', 'linux', 'android', 'ios'] as const;
export type OperatingSystem = (typeof OPERATING_SYSTEMS)[number];

export const DEVICES = ['desktop', 'mobile'] as const;
/** `mobile` is a phone. */
export type DeviceKind = (typeof DEVICES)[number];

/** What a User-Agent says, and all that TLS and headers depend on. */
export interface BrowserKind {
  readonly browser: BrowserName;
  /** The major version. */
  readonly version: number;
  readonly os: OperatingSystem;
  readonly device: DeviceKind;
}

/** In CSS pixels. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly availWidth: number;
  readonly availHeight: number;
  readonly colorDepth: number;
  readonly devicePixelRatio: number;
}

/** What `navigator.userAgentData.getHighEntropyValues()` answers in Chrome and Edge, beside the brands. */
export interface UserAgentData {
  readonly platform: string;
  readonly platformVersion: string;
  readonly architecture: string;
  readonly bitness: string;
  readonly model: string;
  readonly mobile: boolean;
}

/** The machine, which a user keeps for life. */
export interface Device {
  /** `navigator.platform`. */
  readonly platform: string;
  readonly screen: Screen;
  readonly hardwareConcurrency: number;
  /** GiB, as Chrome and Edge tell it; `null` in the others. */
  readonly deviceMemory: number | null;
  readonly maxTouchPoints: number;
  readonly videoCard: { readonly vendor: string; readonly renderer: string } | null;
  readonly fonts: readonly string[];
  /** `null` in browsers without it. */
  readonly userAgentData: UserAgentData | null;
}

/** A whole browser as a site sees it, made once for a session and stored with it. JSON values only. */
export interface BrowserIdentity extends BrowserKind {
  readonly userAgent: string;
  /** Of a page load, in the browser's order and its HTTP/1.1 spelling. */
  readonly headers: Readonly<Record<string, string>>;
  /** BCP 47: `de-DE`. */
  readonly locale: string;
  /** `navigator.languages`. */
  readonly languages: readonly string[];
  /** IANA: `Europe/Berlin`. */
  readonly timeZone: string;
  readonly machine: Device;
  readonly [more: string]: unknown;
}
