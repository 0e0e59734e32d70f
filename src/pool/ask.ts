import { AcquireError, StoreError, type WaitingFacts } from '../errors.ts';
import type { LeaseRequest, StoreCounts } from '../stores/store.ts';
import type { PoolContext } from './context.ts';
import { isStoreAway } from './outage.ts';

/** For counting: who has waited in vain is not to wait much longer for the reason. */
const MAX_COUNT_MS = 1_000;

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
  /** Sessions that it was given and could not have, for their proxies take nobody. */
  turnedBack: number;
}

/**
 * What to tell one who got none, with everything that explains it: an {@link AcquireError}, or, where the store is away,
 * a {@link StoreError}.
 */
export async function acquireError(
  code: 'ACQUIRE_TIMEOUT' | 'NO_SESSION',
  ask: Pick<Ask, 'id' | 'site' | 'timeoutMs'>,
  context: PoolContext,
  waitedFor = ask.id === undefined ? 'no session became' : `session ${ask.id} did not become`,
): Promise<AcquireError | StoreError> {
  const { settings, sites, proxies } = context;
  const counts = await countsOf(context);
  if (counts === undefined) return awayError(ask, context);
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
    proxies?.explain() ?? '',
  ];
  const hint = settings.create ? '' : '; this pool makes none (create: false)';
  const message = `pool "${settings.name}": ${what}: ${parts.filter(Boolean).join(', ')}${hint}`;
  return new AcquireError(code, message, facts);
}

/** `undefined`: the store is away. */
async function countsOf({ store, outage }: PoolContext): Promise<StoreCounts | undefined> {
  if (outage.error) return undefined;
  const enough = Promise.withResolvers<undefined>();
  const timer = setTimeout(enough.resolve, MAX_COUNT_MS, undefined);
  try {
    return await Promise.race([store.count(), enough.promise]);
  } catch (error) {
    if (isStoreAway(error)) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function awayError({ timeoutMs }: Pick<Ask, 'timeoutMs'>, { settings, outage }: PoolContext): StoreError {
  const cause = outage.error;
  const away = cause
    ? `has been away for ${Math.round(outage.forMs)} ms: ${cause.message}`
    : 'does not answer';
  const message = `pool "${settings.name}": no session could be had within ${timeoutMs} ms, for the store ${away}`;
  return new StoreError('STORE_UNAVAILABLE', message, cause && { cause });
}
