import { fail } from '../../internal/options.ts';

/** The pool that is meant where none is named. */
export const DEFAULT_POOL = 'troupe';

/**
 * The keys of a pool, all under one hash tag: in a Cluster they lie in one slot, and so can be used by one script.
 * The numbers of keys does not grow with the sessions, so that each script can declare all that it may touch.
 *
 * - `due` (sorted set): the queue of the living. Free since (in the past), leased or resting until (in the future); in
 *   microseconds, which also keep the order within a millisecond.
 * - `data` (hash): the first letter of a field says what it is. Of sessions, by id: `r` record, `b` body, `x` the sites it
 *   is blocked for. `k` + account key: the living session that has it. Sites: `s` + name: number, `n` + number: name,
 *   `h` + number: bans, `c` + number: what was seen of the queue. `d` + reason: deaths. `D` + name: a document.
 *   `#version`, `#site` (the last number), `#reasons` (how many), `#waiting` (somebody waits until then), `#settled` (where in
 *   the queue no lease has run out).
 * - `index` (sorted set, all scores 0): ranges of names. `i` + id; `t` + tag + id; `x` + site + block + id; `d` + reason.
 * - `expiry`, `dead`, `resting`, `places` (sorted sets): by the instant at which the living expire or the dead died, at
 *   which a rest or the lease of a reserved place ends.
 * - `sites` (sorted set): how many are blocked, by the number of the site.
 * - `tags` (sorted set): how many living sessions have a tag.
 */
const NAMES = ['due', 'data', 'index', 'expiry', 'dead', 'resting', 'places', 'sites', 'tags'] as const;

export function keysOf(pool: string): string[] {
  return NAMES.map((name) => `troupe:{${pool}}:${name}`);
}

/** A name that can stand within a hash tag. */
export function poolName(value: unknown, path: string): void {
  const isName = typeof value === 'string' && /^[^{}\s\p{Cc}]{1,100}$/u.test(value);
  if (!isName) fail(path, 'a name of at most 100 characters, without spaces and braces', value);
}
