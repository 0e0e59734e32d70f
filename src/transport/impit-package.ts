import { TroupeError } from '../errors.ts';
import type { ImpitConstructor } from './impit-client.ts';
import { findProfiles, type ImpitProfiles } from './impit-profiles.ts';

/** The package, and the browsers that it can appear as. */
export interface LoadedImpit {
  readonly Impit: ImpitConstructor;
  readonly profiles: ImpitProfiles;
}

let loaded: Promise<LoadedImpit> | undefined;

/**
 * Loads impit, once a process.
 * @throws TroupeError `MISSING_PACKAGE`
 */
export function loadImpit(): Promise<LoadedImpit> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load(): Promise<LoadedImpit> {
  let Impit: ImpitConstructor;
  try {
    ({ Impit } = (await import('impit')) as unknown as { Impit: ImpitConstructor });
  } catch (cause) {
    const message = 'the transport "impit" needs the package "impit": npm install impit (0.14.4 or later)';
    throw new TroupeError('MISSING_PACKAGE', message, { cause });
  }
  return { Impit, profiles: findProfiles(Impit) };
}
