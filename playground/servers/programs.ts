import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The servers that tests and benchmarks start: their programs, and the Debian package that has them. */
const PACKAGES = {
  'redis-server': 'redis-server',
  postgres: 'postgresql',
  initdb: 'postgresql',
  pgbench: 'postgresql',
  squid: 'squid',
  basic_ncsa_auth: 'squid',
  tinyproxy: 'tinyproxy',
  microsocks: 'microsocks',
} as const;

/** Where Debian has programs that are not in the PATH of a user. */
const OTHER_FOLDERS = ['/usr/sbin', '/usr/lib/squid'];

export type Program = keyof typeof PACKAGES;

/** Where a program is; `undefined` where it is not installed. */
function findProgram(name: Program): string | undefined {
  for (const folder of [
    ...(process.env.PATH ?? '').split(delimiter),
    ...OTHER_FOLDERS,
    ...postgresFolders(),
  ]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** @throws Error that says what to install */
export function requireProgram(name: Program): string {
  const path = findProgram(name);
  if (!path) throw new Error(`${name} is not installed: ${howToInstall([name])}`);
  return path;
}

export function howToInstall(names: readonly Program[]): string {
  return `apt-get install ${packagesOf(names).join(' ')}, or what your system calls it`;
}

/**
 * Installs what is missing where it may: as root, where there is apt-get. Answers what is missing then.
 * No server is left running by it: on Debian a package may start its own, so that is forbidden for the installation.
 */
export function installMissing(names: readonly Program[]): Program[] {
  const missing = names.filter((name) => !findProgram(name));
  if (missing.length === 0 || process.getuid?.() !== 0) return missing;
  try {
    // Debian's own clusters and services are neither needed nor wanted: RUNLEVEL=1 is the mode in which none starts.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    // Another installation may be under way: it is waited for.
    const run = (...args: string[]) =>
      execFileSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], { env, stdio: ['ignore', 2, 2] });
    console.error(`installing ${packagesOf(missing).join(' ')} for the tests`);
    run('-qq', 'update');
    run('-qq', '-y', '--no-install-recommends', 'install', ...packagesOf(missing));
  } catch (error) {
    console.error(`that failed: ${(error as Error).message}`);
  }
  return names.filter((name) => !findProgram(name));
}

function packagesOf(names: readonly Program[]): string[] {
  return [...new Set(names.map((name) => PACKAGES[name]))];
}

/** Debian keeps the programs of each version apart, outside of PATH; the newest first. */
function postgresFolders(): string[] {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}
