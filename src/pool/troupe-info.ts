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
}

const infos = new WeakMap<Response, TroupeInfo>();

/** How an answer of `pool.fetch` came about; `undefined` for any other response. */
export function troupeInfo(response: Response): TroupeInfo | undefined {
  return infos.get(response);
}

/** Notes how the answer came about. */
export function withInfo(response: Response, info: TroupeInfo): Response {
  infos.set(response, Object.freeze(info));
  return response;
}
