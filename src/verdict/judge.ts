import { RuleError } from '../errors.ts';
import { proxyFaultOf } from '../proxies/proxy-fault.ts';
import { type Answer, type Page, pageOf } from './answer.ts';
import type { Judgement, Verdict } from './judgement.ts';
import { retryAfterMs } from './retry-after.ts';
import type { CompiledRule } from './rules.ts';
import { matchSignature, type SignatureMatch } from './signatures.ts';

export { isGraver, type Judgement, type Verdict } from './judgement.ts';

/** What there is to judge: an answer, or an error without one. */
export type Outcome =
  | Answer
  /** `code` and `cause` as the transport gives them. */
  | { readonly error: unknown };

/** What a judgement depends on beside the outcome. */
export interface JudgeContext {
  /** The statuses that mean "blocked" for this session. */
  isBlockedStatus(status: number): boolean;
  /** Whether the session goes through a proxy: only then can it be the proxy's fault. */
  readonly hasProxy?: boolean;
  /** The user's own, asked before all else. */
  readonly rules?: readonly CompiledRule[];
  /** A rule of the user's failed, and was passed over. */
  onRuleError?(error: RuleError): void;
  /** The user can be logged in again: a 401 is then no block. */
  canLogIn?: boolean;
}

const OK: Judgement = Object.freeze({ verdict: 'ok', rule: 'no sign of trouble', evidence: '' });

const BLOCK_PAGE = 'block page ';
const UNVERIFIED = ' (unverified)';

/** Judges one outcome: the first rule that matches decides, in the order of the verdict table (docs/verdicts.md). */
export function judge(outcome: Outcome, context: JudgeContext): Judgement {
  if ('error' in outcome) return judgeError(outcome.error, context);
  const page = pageOf(outcome);
  return byOwnRule(outcome, page, context) ?? judgeAnswer(outcome, page, context);
}

/** Whether a rule's name is that of a block page that was seen in the wild, so that a second one in a row is proof. */
export function isSureBlockPage(rule: string): boolean {
  return rule.startsWith(BLOCK_PAGE) && !rule.endsWith(UNVERIFIED);
}

function byOwnRule(answer: Answer, page: Page | undefined, context: JudgeContext): Judgement | undefined {
  for (const rule of context.rules ?? []) {
    if (rule.needsBody && !answer.body) continue;
    if (rule.verdict === 'proxy-failed' && !context.hasProxy) continue;
    try {
      const evidence = rule.match(answer, page);
      if (evidence === undefined) continue;
      return rule.verdict === 'rate-limited'
        ? rateLimited(rule.name, evidence, answer)
        : because(rule.verdict, rule.name, evidence);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      context.onRuleError?.(error);
    }
  }
  return undefined;
}

function judgeAnswer(answer: Answer, page: Page | undefined, context: JudgeContext): Judgement {
  const { status, headers } = answer;
  const match = matchSignature(answer, page);
  // Where the status says enough, the page says who is behind it.
  const evidence = match ? `status ${status}, ${match.signature.name}` : `status ${status}`;
  if (status === 429) return rateLimited('status 429', evidence, answer);
  if (status === 503 && headers.has('retry-after'))
    return rateLimited('status 503 with retry-after', evidence, answer);
  if (status === 401 && context.canLogIn) return because('logged-out', 'status 401', evidence);
  if (context.isBlockedStatus(status)) return because('blocked', 'blocked status', evidence);
  if (match) return blockPage(match, status);
  if (status >= 500) return because('failed', 'server error', evidence);
  return OK;
}

function blockPage({ signature, evidence }: SignatureMatch, status: number): Judgement {
  const isSure = signature.verified !== false;
  const judgement = because(
    'blocked',
    `${BLOCK_PAGE}${signature.name}${isSure ? '' : UNVERIFIED}`,
    `status ${status}, ${evidence}`,
  );
  if (!isSure) return { ...judgement, penalty: 'rest' };
  return status < 300 ? { ...judgement, penalty: 'rest-first' } : judgement;
}

function rateLimited(rule: string, evidence: string, { headers }: Answer): Judgement {
  const wait = retryAfterMs(headers);
  if (wait === undefined) return because('rate-limited', rule, evidence);
  return {
    verdict: 'rate-limited',
    rule,
    evidence: `${evidence}, retry after ${wait} ms`,
    retryAfterMs: wait,
  };
}

function judgeError(error: unknown, { hasProxy }: JudgeContext): Judgement {
  const code = codeOf(error);
  // The transport knows: refused, a refused CONNECT, its 407, reset while connecting, or none that would answer.
  if (hasProxy && proxyFaultOf(error)) return because('proxy-failed', 'no connection by the proxy', code);
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
