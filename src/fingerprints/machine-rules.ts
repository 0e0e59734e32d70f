import type { OperatingSystem } from './browser-identity.ts';
import { HINTED_PLATFORMS } from './client-hints.ts';
import type { CoherenceRule } from './coherence-rule.ts';
import { isChromium } from './user-agent.ts';

const PLATFORM: Readonly<Record<OperatingSystem, RegExp>> = {
  windows: /^Win32$/,
  macos: /^MacIntel$/,
  linux: /^Linux (?:x86_64|aarch64)$/,
  android: /^Linux (?:arm\w*|aarch64)$/,
  ios: /^iPhone$/,
};

/** What a graphics card's name says about the system below it. */
const CARDS: readonly [pattern: RegExp, os: readonly OperatingSystem[]][] = [
  [/Direct3D|D3D(?:9|11)/, ['windows']],
  [/Metal|\bApple\b/, ['macos', 'ios']],
  [/Mesa/, ['linux', 'android']],
  [/Mali|PowerVR|Xclipse|Adreno \(TM\)/, ['android']],
];
const MACHINES_WITHOUT_A_CARD =
  /SwiftShader|llvmpipe|softpipe|VMware|VirtualBox|Parallels|Basic Render|virgl|Microsoft Basic/i;

/** What a script in a page sees of the machine. */
export const MACHINE_RULES: readonly CoherenceRule[] = [
  {
    rule: 'navigator.platform is that of the system',
    check: ({ os, machine }) =>
      PLATFORM[os].test(machine.platform) ? undefined : `${machine.platform} on ${os}`,
  },
  {
    rule: 'the screen is that of the device',
    check({ device, machine: { screen } }) {
      const short = Math.min(screen.width, screen.height);
      const long = Math.max(screen.width, screen.height);
      const isFine =
        device === 'mobile' ? short >= 280 && short <= 600 && long <= 1300 : short >= 600 && long >= 1024;
      return isFine ? undefined : `${screen.width}x${screen.height} on a ${device} device`;
    },
  },
  {
    rule: 'no more of the screen is available than there is',
    check({ machine: { screen } }) {
      const isFine = screen.availWidth <= screen.width && screen.availHeight <= screen.height;
      return isFine
        ? undefined
        : `${screen.availWidth}x${screen.availHeight} of ${screen.width}x${screen.height}`;
    },
  },
  {
    rule: 'a phone can be touched, and a Mac cannot',
    check({ device, os, machine: { maxTouchPoints } }) {
      const isFine = device === 'mobile' ? maxTouchPoints > 0 : os !== 'macos' || maxTouchPoints === 0;
      return isFine ? undefined : `${maxTouchPoints} touch points on ${os}`;
    },
  },
  {
    rule: 'the graphics card is real and works on the system',
    check({ os, machine: { videoCard } }) {
      if (videoCard === null) return undefined;
      const name = `${videoCard.vendor} ${videoCard.renderer}`;
      if (MACHINES_WITHOUT_A_CARD.test(name)) return name;
      const isFine = CARDS.every(([pattern, systems]) => !pattern.test(name) || systems.includes(os));
      return isFine ? undefined : `${name} on ${os}`;
    },
  },
  {
    rule: 'only Chromium tells the memory, in powers of two',
    check({ browser, machine: { deviceMemory } }) {
      const isFine = isChromium(browser)
        ? deviceMemory === null || [0.25, 0.5, 1, 2, 4, 8, 16, 32].includes(deviceMemory)
        : deviceMemory === null;
      return isFine ? undefined : `${deviceMemory} GiB in ${browser}`;
    },
  },
  {
    rule: 'a machine has processors',
    check: ({ machine: { hardwareConcurrency: cores } }) =>
      Number.isInteger(cores) && cores >= 1 && cores <= 128 ? undefined : `${cores} of them`,
  },
  {
    rule: 'what scripts learn of the system is what the headers say',
    check({ browser, os, device, machine: { userAgentData: data } }) {
      if (data === null) return undefined;
      if (!isChromium(browser)) return `userAgentData in ${browser}`;
      const isFine = data.platform === HINTED_PLATFORMS[os] && data.mobile === (device === 'mobile');
      return isFine ? undefined : `${data.platform}, mobile: ${data.mobile}, on ${os}`;
    },
  },
];
