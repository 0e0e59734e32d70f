/** What an answer, or the lack of one, says about the user who asked. */
export type Verdict = 'ok' | 'failed' | 'rate-limited' | 'blocked' | 'logged-out' | 'proxy-failed';

/** From harmless to grave: of several verdicts in one lease the gravest counts. */
export const VERDICTS: readonly Verdict[] = [
  'ok',
  'failed',
  'rate-limited',
  'logged-out',
  'proxy-failed',
  'blocked',
];

/** A verdict with the rule that gave it and what the rule saw. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly rule: string;
  /** Never a cookie, a header's value, a query or a page's own words. */
  readonly evidence: string;
  /** How long the site asked this user to stay away, in milliseconds; absent where it did not say. */
  readonly retryAfterMs?: number;
  /** The site that answered, where a redirect led to another than was asked. */
  readonly by?: string;
  /**
   * What it costs the user, where that is less than the full price: `'rest'`, because the sign is not proven, or
   * `'rest-first'`, because only the second such page in a row is; or `'none'`, because it is the URL's fault.
   */
  readonly penalty?: 'rest' | 'rest-first' | 'none';
}

/** Whether `a` outweighs `b`: the graver verdict; of two that are alike, the one that costs its full price. */
export function isGraver(a: Judgement, b: Judgement): boolean {
  if (a.verdict !== b.verdict) return VERDICTS.indexOf(a.verdict) > VERDICTS.indexOf(b.verdict);
  return isMild(b) && !isMild(a);
}

function isMild({ by, penalty }: Judgement): boolean {
  return by !== undefined || penalty !== undefined;
}
