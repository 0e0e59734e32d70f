import type { Lease, LeaseRequest, NewSession, ReleaseChange, Rewrite } from '../store.ts';

/** The script keeps its length in a byte. */
const HOLDER_LENGTH = 80;

const LETTERS = { 'round-robin': 'f', 'use-until-failure': 'l', random: 'r' } as const;

/** The same for requests that ask for the same. */
export function leaseKey({ rotation, fill, leaseMs, holder, id, site, limit, wake }: LeaseRequest): string {
  const quoted = (name: string | undefined) => (name === undefined ? '' : JSON.stringify(name));
  return `${rotation} ${fill} ${leaseMs} ${limit} ${wake} ${quoted(site)} ${quoted(id)} ${holder}`;
}

/** What `scripts.lease` takes between the time and the tokens, one of which each lease brings. */
export function leaseArguments(request: LeaseRequest): string[] {
  let mode: string = LETTERS[request.rotation];
  if (request.fill === 'first') mode += 'F';
  if (request.wake) mode += 'w';
  const limit = request.limit === undefined ? '' : String(request.limit);
  return [String(request.leaseMs), shownHolder(request), mode, limit, request.site ?? '', request.id ?? ''];
}

export interface Release {
  readonly lease: Lease;
  readonly change: ReleaseChange | null;
  readonly isRepeat: boolean;
}

/** The eight arguments that `scripts.release` takes for each, after the time and who publishes. */
export function releaseArguments({ lease, change, isRepeat }: Release): string[] {
  const asked = isRepeat ? 'r' : '';
  const { id, token, fence } = lease;
  if (change === null) return [id, token, String(fence), `n${asked}`, '', '', '', ''];
  const { status, reason, restMs, blocks, tag, body } = change;
  const isRare =
    status !== 'usable' || restMs || (blocks !== undefined && blocks.length > 0) || tag !== undefined;
  const rare = isRare
    ? JSON.stringify({
        ...{ status: status === 'usable' ? undefined : status, reason, restMs, blocks },
        // The text as it is kept in the record.
        tag: tag === undefined ? undefined : JSON.stringify(tag),
      })
    : '';
  const flags = body === undefined ? asked : `b${asked}`;
  const given = body === undefined ? '' : (body as string);
  return [id, token, String(fence), flags, String(change.usageCount), String(change.errorScore), rare, given];
}

/** Five for each, after the time. */
export function rewriteArguments({ id, ifBody, body, key, tag }: Rewrite): string[] {
  const text = (value: string | null | undefined) => (value === undefined ? '' : JSON.stringify(value));
  return [id, String(ifBody), String(body), text(key), text(tag)];
}

export function shownHolder(request: LeaseRequest): string {
  return request.holder.slice(0, HOLDER_LENGTH);
}

/** A new session as `pieces/births.ts` takes it: eleven arguments. The texts come back with each lease as they are. */
export function sessionArguments(session: NewSession): string[] {
  const { id, key = null, tag = null, tagLimit, expiresInMs, maxUsageCount } = session;
  return [
    id,
    `${JSON.stringify(id)},${JSON.stringify(key)},${JSON.stringify(tag)}`,
    String(session.ageMs),
    expiresInMs === null ? '' : String(expiresInMs),
    String(session.usageCount),
    maxUsageCount === null ? '' : String(maxUsageCount),
    String(session.errorScore),
    key === null ? '' : `=${key}`,
    tag === null ? '' : `=${tag}`,
    tagLimit === undefined ? '' : String(tagLimit),
    session.body as string,
  ];
}
