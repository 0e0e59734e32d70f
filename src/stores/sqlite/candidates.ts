import type { Rotation } from '../store.ts';
import { blockOf, removeBlock } from './blocks.ts';
import type { Budget } from './budget.ts';
import { BODY, bodyOf, COLUMNS, rowBySid, type SessionRow, toRow } from './records.ts';
import type { Values } from './statements.ts';
import type { Work } from './work.ts';

/** A session that is due and not blocked for the site; whether it may still be used is for others to see. */
export interface Candidate {
  row: SessionRow;
  body: string;
}

/** Where to look: the whole queue, or what is not blocked for a site. */
export interface Target {
  rotation: Rotation;
  /** `undefined` also where nobody is blocked from the asked site. */
  site: { name: string; number: number } | undefined;
}

/** Tries before 'random' takes the least recently used instead. */
const PROBES = 8;
/** Ended site rests looked at in one step. */
const ENDED = 8;
/** The first look along the queue; most often the first few hold a session that fits. */
const FIRST_LOOK = 8;

/** The next one in the order of the rotation; `again` when the budget is spent, undefined when there is none. */
export function nextCandidate(work: Work, target: Target, budget: Budget): Candidate | 'again' | undefined {
  if (target.site !== undefined) {
    const rested = endedSiteRest(work, target.site.number, budget);
    if (rested !== undefined) return rested;
  }
  if (target.rotation === 'random') {
    const found = probe(work, target.site?.number, budget);
    if (found) return found;
  }
  const isDown = target.rotation === 'use-until-failure';
  if (target.site === undefined) return firstDue(work, isDown, budget);
  return walk(work, target.site, isDown, budget);
}

function firstDue(work: Work, isDown: boolean, budget: Budget): Candidate | 'again' | undefined {
  if (budget.isSpent) return 'again';
  budget.spend(1);
  return toCandidate(work.sql.get(isDown ? LATEST_DUE : EARLIEST_DUE, work.dueNow));
}

// Built once: to build and hash such a text for every lease would cost as much as a statement.
const WITH_BODY = `SELECT ${COLUMNS}, b.body FROM session s JOIN body b USING (sid)`;
const EARLIEST_DUE = `${WITH_BODY} WHERE s.due <= ? ORDER BY s.due, s.sid LIMIT 1`;
const LATEST_DUE = `${WITH_BODY} WHERE s.due <= ? ORDER BY s.due DESC, s.sid DESC LIMIT 1`;
const FROM_SID = `${WITH_BODY} WHERE s.sid >= ? ORDER BY s.sid LIMIT 1`;

/** Rests for the site that are over. Their sessions stand where the walk has already passed, so they come first. */
function endedSiteRest(work: Work, site: number, budget: Budget): Candidate | 'again' | undefined {
  for (;;) {
    const ended = work.sql.all(ENDED_RESTS, site, work.now);
    for (const [sid, until, due] of ended as number[][]) {
      if (budget.isSpent) return 'again';
      budget.spend(1);
      removeBlock(work, sid!, site, until!);
      if (due! <= work.dueNow) return { row: rowBySid(work, sid!)!, body: bodyOf(work, sid!) };
    }
    if (ended.length < ENDED) return undefined;
  }
}

const ENDED_RESTS = `SELECT b.sid, b.until, s.due FROM site_block b JOIN session s USING (sid)
  WHERE b.site = ? AND b.until <= ? ORDER BY b.until LIMIT ${ENDED}`;

function probe(work: Work, site: number | undefined, budget: Budget): Candidate | undefined {
  const ends = work.sql.get(
    'SELECT (SELECT min(sid) FROM session), (SELECT max(sid) FROM session)',
  ) as number[];
  const [first, last] = ends;
  if (first === null || first === undefined || last === undefined) return undefined;
  for (let tries = 0; tries < PROBES && !budget.isSpent; tries++) {
    budget.spend(1);
    const sid = first + Math.floor(Math.random() * (last - first + 1));
    const found = toCandidate(work.sql.get(FROM_SID, sid));
    if (!found || found.row.due === null || found.row.due > work.dueNow) continue;
    if (site === undefined || blockOf(work, found.row.sid, site) === undefined) return found;
  }
  return undefined;
}

/**
 * Walks the queue from the end that the rotation says, past those blocked for the site, and remembers the
 * stretches that hold nobody else: with 900 000 banned the next lease starts where this one stopped. That is
 * sound because whatever makes a session more eligible gives it a new due, now or later.
 */
function walk(
  work: Work,
  site: { name: string; number: number },
  isDown: boolean,
  budget: Budget,
): Candidate | 'again' | undefined {
  const known = work.hints.blocked(site.name);
  const { latestTick } = work;
  const remember = (from: number, to: number) => known.add(from, Math.min(to, latestTick));
  let look = FIRST_LOOK;
  let position = isDown ? work.dueNow : 0;
  for (;;) {
    position = isDown ? known.skipDown(position) : known.skipUp(position);
    if (isDown ? position < 0 : position > work.dueNow) return undefined;
    if (budget.isSpent) return 'again';
    const end = isDown ? known.endDown(position, 0) : known.endUp(position, work.dueNow);
    const limit = Math.min(look, budget.left);
    const rows = work.sql.all(
      isDown ? WALK_DOWN : WALK_UP,
      Math.min(position, end),
      Math.max(position, end),
      site.number,
      limit,
    ) as number[][];
    const found = rows.findIndex(([, , isBlocked]) => isBlocked === 0);
    budget.spend(found < 0 ? Math.max(rows.length, 1) : found + 1);
    if (found >= 0) {
      const [due, sid] = rows[found] as [number, number];
      if (isDown) remember(due + 1, position);
      else remember(position, due - 1);
      return { row: rowBySid(work, sid)!, body: bodyOf(work, sid) };
    }
    const isWhole = rows.length < limit;
    // Several sessions may share a due (never more than a whole budget), and the look may have ended among them: that due
    // is looked at again, and all of it where it was all there was to see.
    const isOneDue = !isWhole && rows[0]![0] === rows.at(-1)![0];
    if (isOneDue && limit < budget.left) {
      look = budget.left;
      continue;
    }
    const last = isWhole ? end : rows.at(-1)![0]!;
    const step = isWhole || isOneDue ? 0 : 1;
    if (isDown) {
      remember(last + step, position);
      position = last + step - 1;
    } else {
      remember(position, last - step);
      position = last - step + 1;
    }
    look = budget.left;
  }
}

const WALK = `SELECT s.due, s.sid, EXISTS (SELECT 1 FROM site_block b WHERE b.sid = s.sid AND b.site = ?3)
  FROM session s WHERE s.due BETWEEN ?1 AND ?2`;
const WALK_UP = `${WALK} ORDER BY s.due, s.sid LIMIT ?4 + 0`;
const WALK_DOWN = `${WALK} ORDER BY s.due DESC, s.sid DESC LIMIT ?4 + 0`;

function toCandidate(values: Values | undefined): Candidate | undefined {
  return values && { row: toRow(values), body: values[BODY] as string };
}
