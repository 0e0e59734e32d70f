import type { LeasedResult, LeaseResult, ListedSession, SessionStatus, StoredSession } from '../store.ts';
import { placeToken } from './tokens.ts';

type LeasedNumbers = [
  now: number,
  fence: number,
  uses: number,
  score: number,
  recovered: number,
  created: number,
  expires: number,
  maxUses: number,
  id: string,
  key: string | null,
  tag: string | null,
];

/** `leased` is two texts, the numbers and the body; the other answers are one. */
export function toLeaseResult(reply: unknown, token: string, holder: string): LeaseResult {
  if (Array.isArray(reply)) return toLeased(reply[0] as string, reply[1] as string, token);
  const [kind, value] = JSON.parse(reply as string) as [string, number | null];
  if (kind === 'vacant') {
    return { kind, lease: { id: '', token: placeToken(token, holder), fence: 1 }, now: value! };
  }
  return kind === 'none' ? { kind, retryInMs: value } : { kind: 'again' };
}

function toLeased(numbers: string, body: string, token: string): LeasedResult {
  const [now, fence, uses, score, recovered, created, expires, maxUses, id, key, tag] = JSON.parse(
    numbers,
  ) as LeasedNumbers;
  return {
    kind: 'leased',
    lease: { id, token, fence },
    session: {
      ...{ id, createdAt: created, expiresAt: expires < 0 ? null : expires },
      ...{ usageCount: uses, maxUsageCount: maxUses < 0 ? null : maxUses, errorScore: score },
      ...{ status: 'usable', reason: null, key, tag, body },
    } as StoredSession,
    recovered: recovered === 1,
    now,
  };
}

type View = [
  created: number,
  expires: number,
  uses: number,
  maxUses: number,
  score: number,
  status: SessionStatus,
  reason: string | null,
  state: ListedSession['state'],
  untilAt: number | null,
  holder: string,
  sinceAt: number | null,
  blocks: [site: string, sinceAt: number, untilAt: number | null][],
  id: string,
  key: string | null,
  tag: string | null,
];

export function toListed(text: string, body: string): ListedSession {
  const [
    created,
    expires,
    uses,
    maxUses,
    score,
    status,
    reason,
    state,
    untilAt,
    holder,
    sinceAt,
    blocks,
    id,
    key,
    tag,
  ] = JSON.parse(text) as View;
  return {
    id,
    createdAt: created,
    expiresAt: expires < 0 ? null : expires,
    usageCount: uses,
    maxUsageCount: maxUses < 0 ? null : maxUses,
    errorScore: score,
    status,
    reason,
    key,
    tag,
    body,
    state,
    untilAt,
    holder: state === 'leased' ? holder : null,
    sinceAt,
    blocks: blocks.map(([site, since, until]) => ({ site, sinceAt: since, untilAt: until })),
  };
}
