import type { BrowserIdentity } from '../../../src/fingerprints/browser-identity.ts';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** A coherent Chrome on Windows, in which the lies are planted. */
export const chrome: BrowserIdentity = {
  userAgent: CHROME,
  browser: 'chrome',
  version: 142,
  os: 'windows',
  device: 'desktop',
  locale: 'de-DE',
  languages: ['de-DE', 'de', 'en-US', 'en'],
  timeZone: 'Europe/Berlin',
  headers: {
    'sec-ch-ua': '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    'sec-ch-ua-mobile': '?0',
    'sec-ch-ua-platform': '"Windows"',
    'Upgrade-Insecure-Requests': '1',
    'User-Agent': CHROME,
    Accept:
      'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
    'Sec-Fetch-Site': 'none',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-User': '?1',
    'Sec-Fetch-Dest': 'document',
    'Accept-Encoding': 'gzip, deflate, br, zstd',
    'Accept-Language': 'de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7',
    Priority: 'u=0, i',
  },
  machine: {
    platform: 'Win32',
    screen: {
      width: 1920,
      height: 1080,
      availWidth: 1920,
      availHeight: 1032,
      colorDepth: 24,
      devicePixelRatio: 1,
    },
    hardwareConcurrency: 8,
    deviceMemory: 8,
    maxTouchPoints: 0,
    videoCard: {
      vendor: 'Google Inc. (NVIDIA)',
      renderer: 'ANGLE (NVIDIA, NVIDIA GeForce GTX 1660 SUPER Direct3D11 vs_5_0 ps_5_0, D3D11)',
    },
    fonts: ['Calibri'],
    userAgentData: {
      platform: 'Windows',
      platformVersion: '19.0.0',
      architecture: 'x86',
      bitness: '64',
      model: '',
      mobile: false,
    },
  },
};

/** The same as an iPhone would be. */
export const iphone: BrowserIdentity = {
  ...chrome,
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.7 Mobile/15E148 Safari/604.1',
  browser: 'safari',
  version: 18,
  os: 'ios',
  device: 'mobile',
  languages: ['de-DE'],
  headers: {
    'User-Agent':
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.7 Mobile/15E148 Safari/604.1',
    Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'Accept-Language': 'de-DE,de;q=0.9',
    'Accept-Encoding': 'gzip, deflate, br',
  },
  machine: {
    platform: 'iPhone',
    screen: {
      width: 390,
      height: 844,
      availWidth: 390,
      availHeight: 844,
      colorDepth: 24,
      devicePixelRatio: 3,
    },
    hardwareConcurrency: 4,
    deviceMemory: null,
    maxTouchPoints: 5,
    videoCard: { vendor: 'Apple Inc.', renderer: 'Apple GPU' },
    fonts: [],
    userAgentData: null,
  },
};

const userAgent = (text: string) => ({ userAgent: text, headers: { ...chrome.headers, 'User-Agent': text } });
const header = (name: string, value: string) => ({ headers: { ...chrome.headers, [name]: value } });
const machine = (more: Partial<BrowserIdentity['machine']>) => ({ machine: { ...chrome.machine, ...more } });

/** Lies, each with the words of the rule that must see it. */
export const planted: readonly [what: string, rule: RegExp, lie: BrowserIdentity][] = [
  [
    'Safari on Windows',
    /exists on the system/,
    {
      ...chrome,
      ...userAgent(
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
      ),
      browser: 'safari',
      version: 18,
    },
  ],
  ['Chrome on an iPhone', /exists on the system/, { ...iphone, browser: 'chrome', version: 142 }],
  [
    'a phone with a desktop screen',
    /screen is that of the device/,
    { ...iphone, machine: { ...iphone.machine, screen: chrome.machine.screen } },
  ],
  [
    'a desktop with a phone’s screen',
    /screen is that of the device/,
    { ...chrome, ...machine({ screen: iphone.machine.screen }) },
  ],
  [
    'a phone that cannot be touched',
    /touched/,
    { ...iphone, machine: { ...iphone.machine, maxTouchPoints: 0 } },
  ],
  ['a User-Agent of another version', /names the browser/, { ...chrome, version: 143 }],
  [
    'a User-Agent of another system',
    /names the browser/,
    { ...chrome, ...userAgent(CHROME.replace('Windows NT 10.0; Win64; x64', 'X11; Linux x86_64')) },
  ],
  [
    'another browser’s User-Agent',
    /names the browser/,
    { ...chrome, ...userAgent(`${CHROME} OPR/120.0.0.0`) },
  ],
  [
    'a headless browser',
    /names the browser/,
    { ...chrome, ...userAgent(CHROME.replace('Chrome/', 'HeadlessChrome/')) },
  ],
  ['a header of another User-Agent', /header User-Agent/, { ...chrome, ...header('User-Agent', 'curl/8.0') }],
  [
    'a full version, which Chrome has not told since 110',
    /frozen/,
    { ...chrome, ...userAgent(CHROME.replace('142.0.0.0', '142.0.7444.138')) },
  ],
  [
    'brands of another version',
    /brands are those/,
    {
      ...chrome,
      ...header('sec-ch-ua', '"Chromium";v="141", "Google Chrome";v="141", "Not?A_Brand";v="8"'),
    },
  ],
  [
    'brands in another order',
    /brands are those/,
    {
      ...chrome,
      ...header('sec-ch-ua', '"Google Chrome";v="142", "Chromium";v="142", "Not_A Brand";v="99"'),
    },
  ],
  [
    'another browser’s brand',
    /brands are those/,
    { ...chrome, ...header('sec-ch-ua', '"Chromium";v="142", "Brave";v="142", "Not_A Brand";v="99"') },
  ],
  ['client hints of a phone', /Sec-CH-UA-Mobile/, { ...chrome, ...header('sec-ch-ua-mobile', '?1') }],
  [
    'client hints of another system',
    /Sec-CH-UA-Platform/,
    { ...chrome, ...header('sec-ch-ua-platform', '"Linux"') },
  ],
  [
    'client hints from Safari',
    /only Chromium sends/,
    { ...iphone, headers: { ...iphone.headers, 'sec-ch-ua': chrome.headers['sec-ch-ua']! } },
  ],
  [
    'Firefox’s Accept from Chrome',
    /Accept is that/,
    { ...chrome, ...header('Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8') },
  ],
  [
    'Chrome’s Accept from Safari',
    /Accept is that/,
    { ...iphone, headers: { ...iphone.headers, Accept: chrome.headers.Accept! } },
  ],
  [
    'codings of an old version',
    /Accept-Encoding/,
    { ...chrome, ...header('Accept-Encoding', 'gzip, deflate, br') },
  ],
  [
    'another language than the locale’s',
    /first language/,
    { ...chrome, languages: ['en-US', 'en'], ...header('Accept-Language', 'en-US,en;q=0.9') },
  ],
  [
    'an Accept-Language that scripts do not confirm',
    /Accept-Language/,
    { ...chrome, ...header('Accept-Language', 'en-US,en;q=0.9') },
  ],
  [
    'weights that no browser writes',
    /Accept-Language/,
    { ...chrome, ...header('Accept-Language', 'de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7000000000000001') },
  ],
  ['a time zone that is none', /time zone/, { ...chrome, timeZone: 'Europe/Entenhausen' }],
  ['a Mac’s platform', /navigator.platform/, { ...chrome, ...machine({ platform: 'MacIntel' }) }],
  [
    'more screen than there is',
    /no more of the screen/,
    { ...chrome, ...machine({ screen: { ...chrome.machine.screen, availHeight: 1200 } }) },
  ],
  [
    'a machine in a data centre',
    /graphics card/,
    {
      ...chrome,
      ...machine({
        videoCard: {
          vendor: 'Google Inc. (Google)',
          renderer: 'ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)))',
        },
      }),
    },
  ],
  [
    'a Mac’s graphics card',
    /graphics card/,
    {
      ...chrome,
      ...machine({
        videoCard: {
          vendor: 'Google Inc. (Apple)',
          renderer: 'ANGLE (Apple, ANGLE Metal Renderer: Apple M1)',
        },
      }),
    },
  ],
  ['5 GiB', /memory/, { ...chrome, ...machine({ deviceMemory: 5 }) }],
  ['memory told by Safari', /memory/, { ...iphone, machine: { ...iphone.machine, deviceMemory: 8 } }],
  ['no processor', /processors/, { ...chrome, ...machine({ hardwareConcurrency: 0 }) }],
  [
    'scripts that see another system',
    /scripts learn/,
    { ...chrome, ...machine({ userAgentData: { ...chrome.machine.userAgentData!, platform: 'Linux' } }) },
  ],
  ['a phone with Windows', /runs on the device/, { ...chrome, device: 'mobile' }],
  [
    'a Firefox of two versions',
    /Firefox repeats/,
    {
      ...chrome,
      ...userAgent('Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:134.0) Gecko/20100101 Firefox/135.0'),
      browser: 'firefox',
      version: 135,
    },
  ],
];
