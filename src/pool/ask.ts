import { AcquireError, type WaitingFacts } from '../errors.ts';
import type { LeaseRequest } from '../stores/store.ts';
import type { PoolContext } from './context.ts';

/** One who asks for a session. */
export interface Ask {
  readonly id: string | undefined;
  readonly site: string | undefined;
  readonly key: string;
  readonly maxHoldMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** What the store was last asked for it. */
  request: LeaseRequest | undefined;
}

/** What to tell one who got none, with everything that explains it. */
export async function acquireError(
  code: 'ACQUIRE_TIMEOUT' | 'NO_SESSION',
  ask: Pick<Ask, 'id' | 'site' | 'timeoutMs'>,
  { store, settings, sites }: PoolContext,
  waitedFor = ask.id === undefined ? 'no session became' : `session ${ask.id} did not become`,
): Promise<AcquireError> {
  const counts = await store.count();
  const facts: WaitingFacts = {
    leased: counts.leased,
    resting: counts.resting,
    banned: ask.site === undefined ? 0 : (counts.sites[ask.site]?.banned ?? 0),
    retired: counts.dead,
    nextReadyInMs: counts.nextReadyInMs,
  };
  const where = ask.site === undefined ? '' : ` for ${ask.site}`;
  const what =
    code === 'ACQUIRE_TIMEOUT'
      ? `${waitedFor} free${where} within ${ask.timeoutMs} ms`
      : `${ask.id === undefined ? 'no session is' : `session ${ask.id} is not`} free${where}, and waiting would not help`;
  const siteRest = ask.site === undefined ? undefined : sites.resting()[ask.site];
  const parts = [
    `${facts.leased} leased`,
    `${facts.resting} resting`,
    ask.site === undefined ? '' : `${facts.banned} banned from ${ask.site}`,
    `${facts.retired} retired`,
    facts.nextReadyInMs === null ? '' : `next ready in ${Math.ceil(facts.nextReadyInMs)} ms`,
    siteRest === undefined ? '' : `the site rests for ${siteRest} ms`,
  ];
  const hint = settings.create ? '' : '; this pool makes none (create: false)';
  const message = `pool "${settings.name}": ${what}: ${parts.filter(Boolean).join(', ')}${hint}`;
  return new AcquireError(code, message, facts);
}
