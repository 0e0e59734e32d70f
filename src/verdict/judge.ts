import { retryAfterMs } from './retry-after.ts';

/** What an answer, or the lack of one, says about the user who asked. */
export type Verdict = 'ok' | 'failed' | 'rate-limited' | 'blocked' | 'logged-out' | 'proxy-failed';

/** From harmless to grave: of several verdicts in one lease the gravest counts. */
const GRAVITY: readonly Verdict[] = ['ok', 'failed', 'rate-limited', 'logged-out', 'proxy-failed', 'blocked'];

/** Whether `a` outweighs `b`. */
export function isGraver(a: Verdict, b: Verdict): boolean {
  return GRAVITY.indexOf(a) > GRAVITY.indexOf(b);
}

/** A verdict with the rule that gave it and what the rule saw. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly rule: string;
  readonly evidence: string;
  /** How long the site asked this user to stay away, in milliseconds; absent where it did not say. */
  readonly retryAfterMs?: number;
  /** The site that answered, where a redirect led to another than was asked. */
  readonly by?: string;
}

/** What there is to judge: an answer, or an error without one. */
export type Outcome =
  | { readonly status: number; readonly headers: Headers; readonly url?: string }
  /** `code` and `cause` as the transport gives them. */
  | { readonly error: unknown };

/** What a judgement depends on beside the outcome. */
export interface JudgeContext {
  /** The statuses that mean "blocked" for this session. */
  isBlockedStatus(status: number): boolean;
  /** Whether the session goes through a proxy: only then can it be the proxy's fault. */
  readonly hasProxy?: boolean;
}

const OK: Judgement = Object.freeze({ verdict: 'ok', rule: 'no sign of trouble', evidence: '' });

/** Judges one outcome: the first rule that matches decides, in the order of the verdict table (docs/verdicts.md). */
export function judge(outcome: Outcome, context: JudgeContext): Judgement {
  return 'error' in outcome
    ? judgeError(outcome.error, context)
    : judgeAnswer(outcome.status, outcome.headers, context);
}

function judgeAnswer(status: number, headers: Headers, context: JudgeContext): Judgement {
  if (status === 407 && context.hasProxy)
    return because('proxy-failed', 'status 407', 'the proxy wants credentials');
  if (status === 429 || (status === 503 && headers.has('retry-after'))) {
    const wait = retryAfterMs(headers);
    const evidence = wait === undefined ? `status ${status}` : `status ${status}, retry after ${wait} ms`;
    const rule = status === 429 ? 'status 429' : 'status 503 with retry-after';
    return { verdict: 'rate-limited', rule, evidence, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
  }
  if (context.isBlockedStatus(status)) return because('blocked', 'blocked status', `status ${status}`);
  if (status >= 500) return because('failed', 'server error', `status ${status}`);
  return OK;
}

function judgeError(error: unknown, { hasProxy }: JudgeContext): Judgement {
  const code = codeOf(error);
  // Through a proxy every connection is the proxy's: refused, a refused CONNECT, its 407, reset while connecting.
  if (hasProxy && code === 'FETCH_CONNECT')
    return because('proxy-failed', 'no connection by the proxy', code);
  return because('failed', 'network error', code);
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}

function because(verdict: Verdict, rule: string, evidence: string): Judgement {
  return { verdict, rule, evidence };
}
