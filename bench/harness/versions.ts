import { readFileSync } from 'node:fs';

const ours = new URL('../../', import.meta.url);
const peers = new URL('../', import.meta.url);

/** What is compared, in which version; troupe's own dependencies that take part in the work, too. */
export function versionLines(): string[] {
  const names = Object.keys(readPackage(new URL('package.json', peers)).dependencies ?? {});
  const peerVersions = names.map((name) => `${name} ${versionOf(peers, name)}`);
  const own = ['undici', 'tough-cookie', 'zod'].map((name) => `${name} ${versionOf(ours, name)}`);
  const { version } = readPackage(new URL('package.json', ours));
  return [`- troupe ${version}, with ${own.join(', ')}`, `- Peers: ${peerVersions.join(', ')}`];
}

function versionOf(root: URL, name: string): string {
  return readPackage(new URL(`node_modules/${name}/package.json`, root)).version;
}

function readPackage(url: URL): { version: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(url, 'utf8'));
}
