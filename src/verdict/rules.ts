import { OptionError, RuleError } from '../errors.ts';
import { nearest } from '../internal/nearest.ts';
import {
  callable,
  checkOptions,
  describe,
  fail,
  number,
  type OptionCheck,
  text,
} from '../internal/options.ts';
import type { Answer, AnswerHeaders, Page } from './answer.ts';
import { VERDICTS, type Verdict } from './judgement.ts';

/**
 * A rule of your own on what an answer says about its user. It matches where everything that it asks for holds, and
 * is asked before all that troupe knows by itself; of several the first that matches decides.
 */
export interface VerdictRule {
  /** Names it in verdicts, events and errors; each rule another. */
  readonly name: string;
  /** `'ok'` excepts an answer from what would be held against its user otherwise. */
  readonly verdict: Verdict;
  /** One of these statuses. */
  readonly status?: number | readonly number[];
  /** Headers by name: a text that the value contains, an expression that it matches, or `true` for any value. */
  readonly header?: Readonly<Record<string, string | RegExp | true>>;
  /** The address that answered: a path that it is or is under (`'/login'`), or an expression for all of it. */
  readonly url?: string | RegExp;
  /** The same, but only where a redirect has led there. */
  readonly redirectedTo?: string | RegExp;
  /**
   * A text that the body contains, or an expression that it matches. The first 64 KB of a body of text are looked at.
   * An expression is not interrupted: one that backtracks without end on 64 KB holds the process up.
   */
  readonly body?: string | RegExp;
  /**
   * Your own look at the answer. A text matches as well as `true` does, and is the evidence: keep what is secret out of
   * it. Not async; where it throws, the event `error` names the rule, and judging goes on as if it had not matched.
   */
  readonly test?: (answer: RuleAnswer) => boolean | string | null | undefined;
}

/** What a rule's `test` looks at. */
export interface RuleAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Where it came from in the end. */
  readonly url: string;
  readonly redirected: boolean;
  /** The first 64 KB of a body of text; empty for any other. */
  readonly body: string;
}

/** A rule, checked and ready. */
export interface CompiledRule {
  readonly name: string;
  readonly verdict: Verdict;
  /** It cannot be asked before the body has come. */
  readonly needsBody: boolean;
  /**
   * What it saw, if it matches.
   * @throws RuleError
   */
  match(answer: Answer, page: Page | undefined): string | undefined;
}

type Condition = (answer: Answer, page: Page | undefined) => string | undefined;

const MAX_EVIDENCE_LENGTH = 120;
const CONDITIONS = ['status', 'header', 'url', 'redirectedTo', 'body', 'test'] as const;

/**
 * Checks rules and makes them ready.
 * @throws OptionError naming the rule and what is wrong with it
 */
export function readRules(rules: unknown, path = 'rules'): readonly CompiledRule[] {
  if (!Array.isArray(rules)) fail(path, 'a list of rules', rules);
  const names = new Set<string>();
  return rules.map((rule: unknown, index) => {
    const where = `${path}.${index}`;
    checkOptions(rule ?? null, ruleChecks, where);
    const { name, verdict } = rule as VerdictRule;
    text(name, `${where}.name`);
    isVerdict(verdict, `${where}.verdict`);
    if (names.has(name))
      throw new OptionError(`${where}.name`, `there are two rules named "${name}"; name each another`);
    names.add(name);
    return compile(rule as VerdictRule, where);
  });
}

const isVerdict: OptionCheck = (value, path) => {
  if (VERDICTS.includes(value as Verdict)) return;
  const near = typeof value === 'string' ? nearest(value, VERDICTS) : undefined;
  const hint = near ? `; did you mean "${near}"?` : '';
  throw new OptionError(
    path,
    `option "${path}" must be one of ${VERDICTS.map((verdict) => `"${verdict}"`).join(', ')}; got ${describe(value)}${hint}`,
  );
};

const status = number({ min: 100, max: 999, integer: true });

const statuses: OptionCheck = (value, path) => {
  if (!Array.isArray(value)) return status(value, path);
  if (value.length === 0) fail(path, 'a status or a list of them', value);
  for (const one of value) status(one, path);
};

const isPattern: OptionCheck = (value, path) => {
  if (!(value instanceof RegExp) && (typeof value !== 'string' || value === ''))
    fail(path, 'a text that is not empty, or a RegExp', value);
};

const isAddress: OptionCheck = (value, path) => {
  if (!(value instanceof RegExp) && (typeof value !== 'string' || !value.startsWith('/')))
    fail(path, 'a path that begins with "/", or a RegExp', value);
};

const isHeader: OptionCheck = (value, path) => {
  if (value === null || typeof value !== 'object' || Object.keys(value).length === 0)
    fail(path, 'an object of header names', value);
  for (const [name, pattern] of Object.entries(value)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
      throw new OptionError(path, `option "${path}" names a header that cannot be: ${describe(name)}`);
    if (pattern !== true) isPattern(pattern, `${path}.${name}`);
  }
};

const ruleChecks: Record<keyof VerdictRule, OptionCheck> = {
  name: text,
  verdict: isVerdict,
  status: statuses,
  header: isHeader,
  url: isAddress,
  redirectedTo: isAddress,
  body: isPattern,
  test: callable,
};

function compile(rule: VerdictRule, path: string): CompiledRule {
  const { name, verdict, body, test } = rule;
  const conditions = conditionsOf(rule);
  if (conditions.length === 0) {
    const asks = CONDITIONS.map((condition) => `"${condition}"`).join(', ');
    throw new OptionError(
      path,
      `rule "${name}" asks for nothing, and would match every answer; give one of ${asks}`,
    );
  }
  return {
    name,
    verdict,
    needsBody: body !== undefined || test !== undefined,
    match(answer, page) {
      const seen: string[] = [];
      for (const condition of conditions) {
        const evidence = condition(answer, page);
        if (evidence === undefined) return undefined;
        seen.push(evidence);
      }
      return seen.join(', ');
    },
  };
}

/** What is cheap to ask first. */
function conditionsOf({
  name,
  status,
  header = {},
  url,
  redirectedTo,
  body,
  test,
}: VerdictRule): Condition[] {
  const conditions: Condition[] = [];
  if (status !== undefined) {
    const all = [status].flat();
    conditions.push((answer) => (all.includes(answer.status) ? `status ${answer.status}` : undefined));
  }
  for (const [header_, pattern] of Object.entries(header)) conditions.push(headerCondition(header_, pattern));
  if (url !== undefined) {
    const isAt = addressTest(url);
    conditions.push((answer) => (isAt(answer.url) ? `address ${shown(url)}` : undefined));
  }
  if (redirectedTo !== undefined) {
    const isAt = addressTest(redirectedTo);
    conditions.push((answer) =>
      answer.redirected && isAt(answer.url) ? `redirected to ${shown(redirectedTo)}` : undefined,
    );
  }
  if (body !== undefined) {
    const isIn = textTest(body);
    conditions.push((_, page) => (page && isIn(page.text) ? `${shown(body)} in the page` : undefined));
  }
  if (test) conditions.push((answer, page) => ask(name, test, answer, page));
  return conditions;
}

function headerCondition(name: string, pattern: string | RegExp | true): Condition {
  const isIn = pattern === true ? () => true : textTest(pattern);
  return ({ headers }) => {
    const value = headers.get(name);
    return value !== null && isIn(value) ? `header ${name.toLowerCase()}` : undefined;
  };
}

function textTest(pattern: string | RegExp): (text: string) => boolean {
  if (typeof pattern === 'string') return (text) => text.includes(pattern);
  // Without the flags that make an expression remember where it was.
  const own = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return (text) => own.test(text);
}

function addressTest(pattern: string | RegExp): (url: string | undefined) => boolean {
  if (typeof pattern !== 'string') {
    const isIn = textTest(pattern);
    return (url) => url !== undefined && isIn(url);
  }
  const folder = pattern.endsWith('/') ? pattern : `${pattern}/`;
  return (url) => {
    const path = URL.parse(url ?? '')?.pathname;
    return path !== undefined && (path === pattern || path.startsWith(folder));
  };
}

/** @throws RuleError where the test throws, or answers what is no answer */
function ask(
  name: string,
  test: NonNullable<VerdictRule['test']>,
  { status, headers, url = '', redirected = false }: Answer,
  page: Page | undefined,
): string | undefined {
  let answer: unknown;
  try {
    answer = test({
      status,
      headers,
      url,
      redirected,
      get body() {
        return page?.text ?? '';
      },
    });
  } catch (cause) {
    throw new RuleError(name, `rule "${name}" threw; it was taken for one that does not match`, { cause });
  }
  if (answer === true) return 'its test';
  if (typeof answer === 'string') return answer === '' ? undefined : cut(answer);
  if (answer === false || answer === null || answer === undefined) return undefined;
  const promise = answer instanceof Promise ? '; it must not be async' : '';
  if (answer instanceof Promise) answer.catch(() => {});
  throw new RuleError(
    name,
    `the test of rule "${name}" must answer true, false or a text; got ${describe(answer)}${promise}`,
  );
}

/** A pattern as evidence names it: the rule's own words, never the page's. */
function shown(pattern: string | RegExp): string {
  return cut(typeof pattern === 'string' ? JSON.stringify(pattern) : String(pattern));
}

function cut(text: string): string {
  return text.length > MAX_EVIDENCE_LENGTH ? `${text.slice(0, MAX_EVIDENCE_LENGTH - 1)}…` : text;
}
