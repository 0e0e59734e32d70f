import { TroupeError } from '../errors.ts';

/** Of Apify's fingerprint-generator, what we call. It is a header-generator as well. */
export interface Generator {
  /** Throws where no browser fits. Changes the object that it is given. */
  getHeaders(options: HeaderConstraints): Record<string, string>;
  /** What was seen of browsers, by their User-Agent. */
  readonly fingerprintGeneratorNetwork: { readonly nodesByName: Readonly<Record<string, NetworkNode>> };
}

export interface HeaderConstraints {
  browsers: { name: string; minVersion?: number; maxVersion?: number }[];
  operatingSystems: string[];
  devices: string[];
  strict: true;
}

/** One trait of a browser, and how likely each value is. */
export interface NetworkNode {
  readonly possibleValues: readonly string[];
  /** Value → probability. */
  getProbabilitiesGivenKnownValues(known: Readonly<Record<string, string>>): Readonly<Record<string, number>>;
}

let loaded: Promise<Generator> | undefined;

/**
 * The generator, with its data: loaded with the first identity of the process, some 200 ms.
 * @throws TroupeError `MISSING_PACKAGE`
 */
export function loadGenerator(): Promise<Generator> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<Generator> {
  let FingerprintGenerator: new () => unknown;
  try {
    ({ FingerprintGenerator } = await import('fingerprint-generator'));
  } catch (cause) {
    const message =
      'fingerprints need the package "fingerprint-generator": npm install fingerprint-generator (2.1.80 or later)';
    throw new TroupeError('MISSING_PACKAGE', message, { cause });
  }
  const generator = new FingerprintGenerator() as Generator;
  if (
    typeof generator.fingerprintGeneratorNetwork?.nodesByName?.userAgent?.getProbabilitiesGivenKnownValues !==
    'function'
  ) {
    const message =
      'this version of the package "fingerprint-generator" is not known; install 2.1.80 or a later 2.x';
    throw new TroupeError('MISSING_PACKAGE', message);
  }
  return generator;
}
