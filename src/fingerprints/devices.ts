import type { Device, UserAgentData } from './browser-identity.ts';
import type { Generator } from './generator.ts';

/** Marks a value that is JSON, and one that the browser did not have. */
const JSON_MARK = '*STRINGIFIED*';
const MISSING = '*MISSING_VALUE*';

const TRAITS = [
  'platform',
  'screen',
  'hardwareConcurrency',
  'deviceMemory',
  'maxTouchPoints',
  'videoCard',
  'fonts',
  'userAgentData',
] as const;
type Trait = (typeof TRAITS)[number];

/** The values of a trait under one User-Agent, and the sums of their probabilities up to each. */
interface Table {
  readonly values: readonly string[];
  readonly sums: Float64Array;
}

/**
 * Draws machines from what was seen of browsers with one User-Agent. The generator's own drawing goes over thousands of values
 * each time, 2.6 ms for one machine; from tables that are made once for a User-Agent it is a few µs.
 */
export class Devices {
  readonly #generator: Generator;
  readonly #known: ReadonlySet<string>;
  readonly #tables = new Map<string, Readonly<Record<Trait, Table>>>();

  constructor(generator: Generator) {
    this.#generator = generator;
    this.#known = new Set(generator.fingerprintGeneratorNetwork.nodesByName.userAgent!.possibleValues);
  }

  /** A machine on which this User-Agent was seen; undefined where it was on none. It need not be coherent. */
  draw(userAgent: string): Device | undefined {
    if (!this.#known.has(userAgent)) return undefined;
    const tables = this.#tablesOf(userAgent);
    const screen = read(tables.screen) as Device['screen'] | null;
    const platform = read(tables.platform);
    if (!screen || typeof platform !== 'string') return undefined;
    const { width, height, availWidth, availHeight, colorDepth, devicePixelRatio } = screen;
    const memory = Number.parseFloat(String(read(tables.deviceMemory)));
    const fonts = read(tables.fonts);
    return {
      platform,
      screen: { width, height, availWidth, availHeight, colorDepth, devicePixelRatio },
      hardwareConcurrency: Number(read(tables.hardwareConcurrency)),
      deviceMemory: Number.isNaN(memory) ? null : memory,
      maxTouchPoints: Number(read(tables.maxTouchPoints)) || 0,
      videoCard: read(tables.videoCard) as Device['videoCard'],
      fonts: Array.isArray(fonts) ? fonts : [],
      userAgentData: userAgentData(read(tables.userAgentData)),
    };
  }

  #tablesOf(userAgent: string): Readonly<Record<Trait, Table>> {
    let tables = this.#tables.get(userAgent);
    if (!tables) {
      const { nodesByName } = this.#generator.fingerprintGeneratorNetwork;
      tables = Object.fromEntries(
        TRAITS.map((trait) => [
          trait,
          tableOf(nodesByName[trait]!.getProbabilitiesGivenKnownValues({ userAgent })),
        ]),
      ) as Record<Trait, Table>;
      this.#tables.set(userAgent, tables);
    }
    return tables;
  }
}

function tableOf(probabilities: Readonly<Record<string, number>>): Table {
  const values = Object.keys(probabilities);
  const sums = new Float64Array(values.length);
  let sum = 0;
  for (const [index, value] of values.entries()) {
    sum += probabilities[value]!;
    sums[index] = sum;
  }
  return { values, sums };
}

/** A value, as often as it was seen: the first whose sum is above a random share of the last. */
function read({ values, sums }: Table): unknown {
  const mark = Math.random() * sums[sums.length - 1]!;
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > mark) high = middle;
    else low = middle + 1;
  }
  const value = values[low];
  if (value === undefined || value === MISSING) return null;
  return value.startsWith(JSON_MARK) ? (JSON.parse(value.slice(JSON_MARK.length)) as unknown) : value;
}

/** What scripts can ask for; the brands follow from the version, and are not the machine's. */
function userAgentData(seen: unknown): UserAgentData | null {
  if (seen === null || typeof seen !== 'object') return null;
  const { platform, platformVersion, architecture, bitness, model, mobile } = seen as UserAgentData;
  return { platform, platformVersion, architecture, bitness, model, mobile };
}
