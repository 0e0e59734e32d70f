/** What Redis needs at least: here, and for the queue of `troupe work`. */
export const OLDEST_REDIS = [6, 2] as const;

/** What a server's answer to INFO says of whether data is safe there; what it does not tell is undefined. */
export interface ServerFacts {
  /** Valkey calls itself the Redis that it can stand in for. */
  readonly version: string | undefined;
  readonly isTooOld: boolean;
  /** How it throws keys away when its memory is full; undefined: it does not. */
  readonly evictionPolicy: string | undefined;
  readonly hasAppendOnlyFile: boolean | undefined;
}

export function readServerFacts(info: string): ServerFacts {
  const facts = new Map(info.split('\r\n').map((line) => line.split(':', 2) as [string, string]));
  const version = facts.get('redis_version');
  const [major = 0, minor = 0] = (version ?? OLDEST_REDIS.join('.')).split('.').map(Number);
  const policy = facts.get('maxmemory_policy');
  const appendOnly = facts.get('aof_enabled');
  return {
    version,
    isTooOld: major < OLDEST_REDIS[0] || (major === OLDEST_REDIS[0] && minor < OLDEST_REDIS[1]),
    evictionPolicy: policy === 'noeviction' ? undefined : policy,
    hasAppendOnlyFile: appendOnly === undefined ? undefined : appendOnly !== '0',
  };
}
