import type { Verdict } from '../verdict/judge.ts';

/** How an answer came about. */
export interface TroupeInfo {
  readonly sessionId: string;
  readonly verdict: Verdict;
  /** The rule that decided, and what it saw. */
  readonly rule: string;
  readonly evidence: string;
  /** 1 where the first attempt was the last. */
  readonly attempts: number;
  /** The URL was refused to so many different users that it is not theirs to blame. */
  readonly isBadUrl: boolean;
}

const infos = new WeakMap<object, TroupeInfo>();

/** How an answer of `pool.fetch`, or the FetchError in its place, came about; `undefined` for anything else. */
export function troupeInfo(answer: Response | Error): TroupeInfo | undefined {
  return infos.get(answer);
}

/** Notes how the answer, or the error in its place, came about. */
export function withInfo<Answer extends object>(answer: Answer, info: TroupeInfo): Answer {
  infos.set(answer, Object.freeze(info));
  return answer;
}
