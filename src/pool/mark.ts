import { aboutAsLong } from '../internal/chance.ts';
import type { Decision } from '../session/decision.ts';
import { type Session, sessionInternals } from '../session/session.ts';
import { isSureBlockPage, type Judgement, type Verdict } from '../verdict/judge.ts';
import type { PoolContext } from './context.ts';
import type { SessionLease } from './lease.ts';
import type { PoolSettings } from './options.ts';

/** What a use did to a session beside its counts, for its release. */
export interface Marks {
  /** Rest everywhere, in milliseconds; 0: none. */
  restMs: number;
  /** Blocks for sites; `null`: for good. */
  blocks: { site: string; ms: number | null }[];
}

const NO_MARKS: Marks = Object.freeze({ restMs: 0, blocks: [] });
const FIRST_REST_MS = 5_000;
/** How much longer than `minDelayMs` chance makes a pause, at most. */
export const LONGEST_PAUSE = 1.2;

/**
 * Turns a lease's judgements into health: heal, hurt, rest, ban or retire (docs/verdicts.md). The gravest counts as
 * the use, once; what each site had against the user holds for that site. A task that marked by itself has the last word.
 */
export function settle(lease: SessionLease, context: PoolContext): Marks {
  const { session } = lease;
  const marks = sessionInternals.isMarked(session) ? NO_MARKS : judgedMarks(lease, context.settings);
  const rests = sessionInternals.rests(session);
  const { minDelayMs } = context.settings;
  if (!rests && minDelayMs === 0) return marks;
  // Even pauses look like no people; it is never shorter than what was asked for.
  const pauseMs = Math.round(minDelayMs * (1 + (LONGEST_PAUSE - 1) * Math.random()));
  const own: Marks = { restMs: Math.max(marks.restMs, pauseMs), blocks: [...marks.blocks] };
  for (const { site, leftMs } of rests ?? []) {
    if (site === null) own.restMs = Math.max(own.restMs, leftMs);
    // One that is over by now must not lift what blocks it there besides.
    else if (leftMs > 0) own.blocks.push({ site, ms: leftMs });
  }
  return own;
}

function judgedMarks(lease: SessionLease, settings: PoolSettings): Marks {
  const { worst, troubles, session } = lease;
  if (!worst) return NO_MARKS;
  sessionInternals.apply(session, effectOf(worst.verdict));
  const isSettled = ({ verdict }: Judgement) => verdict === 'logged-out' && lease.isLoginSettled;
  const isOfSite = troubles !== undefined && [...troubles.values()].includes(worst);
  if (!isOfSite && worst.verdict === 'ok') return NO_MARKS;
  const marks: Marks = { restMs: 0, blocks: [] };
  // Else it is the task's own word, for no site in particular.
  if (!isOfSite && isRefusal(worst) && !isSettled(worst)) sessionInternals.burn(session, worst.rule);
  if (!isOfSite && worst.verdict === 'rate-limited') marks.restMs = restMs(lease, '', worst, settings);
  for (const [site, judgement] of troubles ?? []) {
    if (isSettled(judgement)) continue;
    if (isRest(judgement, site, lease)) {
      const ms = restMs(lease, site, judgement, settings);
      // A rest of 0 would lift what blocks it there.
      if (ms > 0) marks.blocks.push({ site, ms });
    } else if (judgement.verdict === 'proxy-failed')
      marks.restMs = lease.proxy?.closedForMs || restMs(lease, site, judgement, settings);
    else if (isRefusal(judgement) && settings.blockScope === 'site' && !hasLostLogin(judgement, session))
      marks.blocks.push({ site, ms: null });
    else if (isRefusal(judgement)) sessionInternals.burn(session, `${judgement.rule}: ${judgement.evidence}`);
  }
  return marks;
}

/** Nobody has refreshed the login of one who is logged out: there it is of no more use than one who is blocked. */
function isRefusal({ verdict, penalty }: Judgement): boolean {
  if (penalty === 'none') return false;
  return verdict === 'blocked' || verdict === 'logged-out';
}

/** One of an account makes room for the next that logs in: it would keep the account to itself otherwise. */
function hasLostLogin({ verdict }: Judgement, session: Session): boolean {
  return verdict === 'logged-out' && session.account !== undefined;
}

/** Whether it only rests for the site: a limit, or a refusal that is not proof enough for a ban. */
function isRest(judgement: Judgement, site: string, lease: SessionLease): boolean {
  if (judgement.verdict === 'rate-limited') return true;
  if (!isRefusal(judgement)) return false;
  if (judgement.by !== undefined || judgement.penalty === 'rest') return true;
  // A page may have been meant for everybody; the same user's second in a row was not.
  return judgement.penalty === 'rest-first' && !hadBlockPage(lease.storedBody?.decisions ?? [], site);
}

function effectOf(verdict: Verdict): 'heal' | 'hurt' | 'count' {
  if (verdict === 'ok') return 'heal';
  // Blocks and limits are between the user and one site: the ban or the rest is their price.
  return verdict === 'failed' ? 'hurt' : 'count';
}

/** As long as the site asked for; else twice as long each lease in a row, give or take a fifth. */
function restMs(lease: SessionLease, site: string, judgement: Judgement, settings: PoolSettings): number {
  if (judgement.retryAfterMs !== undefined) return Math.min(judgement.retryAfterMs, settings.maxRestMs);
  const before = timesInARow(lease.storedBody?.decisions ?? [], site, judgement.verdict);
  const grown = aboutAsLong(FIRST_REST_MS * 2 ** Math.min(before, 30));
  return Math.min(Math.round(grown), settings.maxRestMs);
}

/** Whether what was last decided there, before this lease, was a block page for sure. */
function hadBlockPage(decisions: readonly Decision[], site: string): boolean {
  const last = decisions.findLast(({ where }) => isOf(where, site));
  return last !== undefined && last.verdict === 'blocked' && isSureBlockPage(last.rule);
}

/** How often it was so judged at that site since it last was not, before this lease: one lease is one use. */
function timesInARow(decisions: readonly Decision[], site: string, judged: Verdict): number {
  let inARow = 0;
  for (const { verdict, where } of decisions.toReversed()) {
    if (!isOf(where, site)) continue;
    if (verdict !== judged) break;
    inARow += 1;
  }
  return inARow;
}

function isOf(where: string, site: string): boolean {
  if (where === site) return true;
  if (!URL.canParse(where)) return false;
  const { hostname } = new URL(where);
  return hostname === site || hostname.endsWith(`.${site}`);
}
