/** The rules a session lives by, fixed at its creation. Sessions of one pool share one such object. */
export interface SessionLimits {
  readonly maxAgeMs: number | null;
  readonly maxErrorScore: number;
  readonly errorScoreDecrement: number;
  readonly maxUsageCount: number | null;
  readonly blockedStatusCodes: readonly number[];
}

export const DEFAULT_LIMITS: SessionLimits = Object.freeze({
  maxAgeMs: 3_000_000,
  maxErrorScore: 3,
  errorScoreDecrement: 0.5,
  maxUsageCount: 50,
  blockedStatusCodes: Object.freeze([401, 403, 429]),
});

type GivenLimits = { readonly [Name in keyof SessionLimits]?: SessionLimits[Name] | undefined };

/** A pool freezes its options and makes thousands of sessions from them: their limits are made once. */
const limitsOfFrozen = new WeakMap<GivenLimits, SessionLimits>();

/** The limits that options ask for, over the defaults. */
export function limitsOf(given: GivenLimits): SessionLimits {
  const known = limitsOfFrozen.get(given);
  if (known) return known;
  const limits = withDefaults(given);
  if (Object.isFrozen(given)) limitsOfFrozen.set(given, limits);
  return limits;
}

function withDefaults(given: GivenLimits): SessionLimits {
  const isDefault =
    given.maxAgeMs === undefined &&
    given.maxErrorScore === undefined &&
    given.errorScoreDecrement === undefined &&
    given.maxUsageCount === undefined &&
    given.blockedStatusCodes === undefined;
  if (isDefault) return DEFAULT_LIMITS;
  return Object.freeze({
    maxAgeMs: given.maxAgeMs === undefined ? DEFAULT_LIMITS.maxAgeMs : given.maxAgeMs,
    maxErrorScore: given.maxErrorScore ?? DEFAULT_LIMITS.maxErrorScore,
    errorScoreDecrement: given.errorScoreDecrement ?? DEFAULT_LIMITS.errorScoreDecrement,
    maxUsageCount: given.maxUsageCount === undefined ? DEFAULT_LIMITS.maxUsageCount : given.maxUsageCount,
    blockedStatusCodes: Object.freeze([...(given.blockedStatusCodes ?? DEFAULT_LIMITS.blockedStatusCodes)]),
  });
}
