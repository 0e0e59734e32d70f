import type { SessionPool } from '../../index.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { print, printJson } from '../print.ts';

export interface ReviveWhich {
  reason?: string;
  /** How long ago, in milliseconds. */
  since?: number;
}

/** Revives all that died for a reason, or lately, and says how many. */
export async function reviveAll(
  pool: SessionPool,
  { reason, since }: ReviveWhich,
  json: boolean | undefined,
): Promise<ExitCode> {
  const revived = await pool.revive({
    ...(reason === undefined ? {} : { reason }),
    ...(since === undefined ? {} : { since: new Date(Date.now() - since) }),
  });
  if (json) await printJson({ revived });
  else await print([`revived ${revived} ${revived === 1 ? 'user' : 'users'}`]);
  return EXIT.done;
}
