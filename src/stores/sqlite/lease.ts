import type { LeasedResult, LeaseRequest, LeaseResult } from '../store.ts';
import { blockOf, removeBlock, siteNumber } from './blocks.ts';
import { Budget } from './budget.ts';
import { type Candidate, nextCandidate, type Target } from './candidates.ts';
import { buryExpired } from './death.ts';
import { bodyOf, isLeased, rowById, toStored } from './records.ts';
import { retryInMs, retryRowInMs } from './retry-in.ts';
import { recover, survives } from './settle.ts';
import { sessionToken } from './tokens.ts';
import { areAllBanned, hasRoom, makeRoom, reserve } from './vacancy.ts';
import type { Work } from './work.ts';

/** Expired sessions buried, and ended rests swept, on the way of one lease. */
const SWEPT = 64;

/** Leases one session, reserves a place, or says when to come again. */
export function lease(work: Work, request: LeaseRequest): LeaseResult {
  const budget = new Budget();
  const isSwept = sweep(work, budget);
  if (request.id !== undefined) return leaseById(work, request, request.id);

  const { limit } = request;
  const number = request.site === undefined ? undefined : siteNumber(work, request.site);
  const site = number === undefined ? undefined : { name: request.site!, number };
  const target: Target = { rotation: request.rotation, site };
  for (;;) {
    if (request.fill === 'first' && limit !== undefined && hasRoom(work, limit))
      return reserve(work, request);
    const candidate = nextCandidate(work, target, budget);
    if (candidate === 'again') return { kind: 'again' };
    if (candidate === undefined) break;
    const leased = take(work, request, candidate);
    if (leased) return leased;
  }

  if (limit !== undefined && hasRoom(work, limit)) return reserve(work, request);
  if (!isSwept) return { kind: 'again' };
  const allBanned = limit !== undefined && number !== undefined && areAllBanned(work, number);
  if (allBanned) {
    const made = makeRoom(work, number, limit, budget);
    if (made === 'room') return reserve(work, request);
    if (made === 'again') return { kind: 'again' };
  }
  return { kind: 'none', retryInMs: retryInMs(work, request, allBanned) };
}

function leaseById(work: Work, request: LeaseRequest, id: string): LeaseResult {
  const row = rowById(work, id);
  if (!row || row.died !== null) return { kind: 'none', retryInMs: null };
  if (isLeased(work, row) || row.due! > work.dueNow) {
    return { kind: 'none', retryInMs: retryRowInMs(work, row, request.site) };
  }
  const number = request.site === undefined ? undefined : siteNumber(work, request.site);
  const block = number === undefined ? undefined : blockOf(work, row.sid, number);
  if (block && (block.until === null || block.until > work.now)) {
    return { kind: 'none', retryInMs: retryRowInMs(work, row, request.site) };
  }
  if (block) removeBlock(work, row.sid, number!, block.until);
  const leased = take(work, request, { row, body: bodyOf(work, row.sid) });
  if (leased) return leased;
  const after = rowById(work, id);
  const isAlive = after !== undefined && after.died === null;
  return { kind: 'none', retryInMs: isAlive ? retryRowInMs(work, after, request.site) : null };
}

/** Hands the candidate out, or finds that it must not be: used up, expired, or under an order that waited. */
function take(work: Work, request: LeaseRequest, { row: found, body }: Candidate): LeasedResult | undefined {
  const row = found.token === null ? found : recover(work, found);
  if (row === undefined || row.due! > work.dueNow || !survives(work, row)) return undefined;
  if (found.orders !== null && request.site !== undefined) {
    const number = siteNumber(work, request.site);
    if (number !== undefined && blockOf(work, row.sid, number)) return undefined;
  }
  const token = sessionToken(row.sid);
  const fence = row.fence + 1;
  work.sql.run(
    `UPDATE session SET token = ?, due = ?, fence = ?, holder = ?, since = ?, resting = 0, recovered = 0
     WHERE sid = ?`,
    token,
    work.tickIn(request.leaseMs),
    fence,
    request.holder,
    work.now,
    row.sid,
  );
  work.counters.add('resting', -row.resting);
  return {
    kind: 'leased',
    lease: { id: row.id, token, fence },
    session: toStored(row, body),
    recovered: row.recovered === 1,
    now: work.now,
  };
}

const ENDED_RESTS = `UPDATE session SET resting = 0
  WHERE sid IN (SELECT sid FROM session WHERE resting = 1 AND due <= ? LIMIT ${SWEPT})`;

/**
 * What time alone has changed, a bounded part of it: expired sessions are buried and ended rests no longer
 * counted. Answers whether the expired are all done; then it need not look again within this millisecond.
 */
function sweep(work: Work, budget: Budget): boolean {
  const { hints } = work;
  hints.checkClock(work.now);
  if (hints.sweptAt === work.now) return true;
  const { lookedAt } = buryExpired(work, SWEPT);
  budget.spend(lookedAt);
  const rested = work.sql.run(ENDED_RESTS, work.dueNow);
  work.counters.add('resting', -rested);
  budget.spend(rested);
  const isDone = lookedAt < SWEPT;
  if (isDone && rested < SWEPT) hints.sweptAt = work.now;
  return isDone;
}
