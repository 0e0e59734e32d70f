import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';

/** Where we are root, gives a file or a folder to a user of the system; answers how to spawn as that user. */
export function giveTo(user: string, path: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  const owner = { uid: idOf('-u'), gid: idOf('-g') };
  chownSync(path, owner.uid, owner.gid);
  return owner;
}
