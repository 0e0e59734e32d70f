import type { Verdict } from '../verdict/judge.ts';

/** What was decided about a session, once: for people who ask why. */
export interface Decision {
  /** When, epoch milliseconds. */
  readonly at: number;
  /** The page it was about, without its query, or the site; empty where it was about no page. */
  readonly where: string;
  /** The verdict on a request, or what somebody did to the session without one. */
  readonly verdict: Verdict | 'bad' | 'retired' | 'rested' | 'revived';
  /** The rule that decided: `status 403`, `retry-after`, `marked by the task`. */
  readonly rule: string;
  /** What the rule saw. Never a cookie, a header value or a page's words. */
  readonly evidence: string;
}

/** A session keeps its last decisions, not its life's. */
export const MAX_DECISIONS = 20;

const MAX_WHERE_LENGTH = 200;

/** A new list with one more decision at the end, the oldest dropped beyond {@link MAX_DECISIONS}. */
export function withDecision(decisions: readonly Decision[], decision: Decision): readonly Decision[] {
  const kept =
    decisions.length < MAX_DECISIONS ? decisions : decisions.slice(decisions.length - MAX_DECISIONS + 1);
  return [...kept, decision];
}

/** A URL as decisions, events and logs show it: no credentials, no query, no fragment, since tokens live there. */
export function whereOf(url: URL | string): string {
  const parsed = typeof url === 'string' ? new URL(url) : url;
  const where = `${parsed.origin}${parsed.pathname}`;
  return where.length > MAX_WHERE_LENGTH ? `${where.slice(0, MAX_WHERE_LENGTH - 1)}…` : where;
}
