import { setTimeout as sleep } from 'node:timers/promises';
import { BlockedError, RateLimitedError } from '../errors.ts';
import { type Session, sessionInternals } from '../session/session.ts';
import type { Judgement } from '../verdict/judge.ts';
import type { SessionLease } from './lease.ts';
import type { RunOptions } from './options.ts';

/** What a task gets beside the session. */
export interface RunContext {
  /** Aborts when the caller gives up or the lease ends early. */
  readonly signal: AbortSignal;
  readonly lease: SessionLease;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** Your own work with one session. */
export type Task<T> = (session: Session, context: RunContext) => T | Promise<T>;

type Acquire = (options: RunOptions) => Promise<SessionLease>;

const FIRST_PAUSE_MS = 100;

/**
 * Runs a task with a session of its own, judges how it went, gives the session back, and tries again as another user
 * where the verdict asks for it and retries are left.
 */
export async function run<T>(task: Task<T>, options: RunOptions, acquire: Acquire): Promise<T> {
  const { retries = 0, ...ask } = options;
  for (let attempt = 1; ; attempt++) {
    const lease = await acquire(ask);
    let result = await runOnce(task, lease, attempt, options.signal);
    // Logged in again, it is the same user, who keeps the lease.
    while (result.verdict && attempt <= retries && !options.signal?.aborted && (await lease.loginAgain())) {
      attempt += 1;
      result = await runOnce(task, lease, attempt, options.signal);
    }
    await release(lease);
    const mayRetry = attempt <= retries && options.id === undefined && !options.signal?.aborted;
    if (result.verdict === undefined || !mayRetry) {
      if ('error' in result) throw result.error;
      return result.value;
    }
    await pauseBefore(result.verdict, attempt, options.signal);
  }
}

/** `verdict` is there where it is worth another attempt. */
type RunResult<T> =
  | { readonly value: T; readonly verdict: Judgement | undefined }
  | { readonly error: unknown; readonly verdict: Judgement | undefined };

async function runOnce<T>(
  task: Task<T>,
  lease: SessionLease,
  attempt: number,
  given: AbortSignal | undefined,
): Promise<RunResult<T>> {
  const signal = given ? AbortSignal.any([given, lease.signal]) : lease.signal;
  let result: { value: T } | { error: unknown };
  let isTrouble: boolean;
  try {
    const value = await task(lease.session, { signal, lease, attempt });
    // A task that fetched nothing, a browser's for example, and came back: a good use.
    if (!lease.worst && lease.isHeld && !sessionInternals.isMarked(lease.session))
      sessionInternals.apply(lease.session, 'heal');
    result = { value };
    isTrouble = lease.worst !== undefined && lease.worst.verdict !== 'ok';
  } catch (error) {
    result = { error };
    isTrouble = judgeError(error, lease);
  }
  return { ...result, verdict: isTrouble ? lease.worst : undefined };
}

/** A lease that was lost meanwhile is told by its event; what the task brought home is as good as it was. */
export async function release(lease: SessionLease): Promise<void> {
  await lease.release().catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'LEASE_LOST') throw error;
  });
}

/**
 * What an error of the task means for the session; answers whether another attempt is worth it. Ours and the two
 * that a task throws to us are verdicts. Any other is the task's own: nothing is retried, and no use is counted; but
 * what a site has said (blocked, slow down) holds, for a client that throws on a 403 says nothing else.
 */
function judgeError(error: unknown, lease: SessionLease): boolean {
  if (!lease.isHeld) return false;
  if (error instanceof BlockedError) {
    lease.judgedByTask({ verdict: 'blocked', rule: 'the task said so', evidence: 'BlockedError' });
    return true;
  }
  if (error instanceof RateLimitedError) {
    const { retryAfterMs } = error;
    const judgement = {
      verdict: 'rate-limited',
      rule: 'the task said so',
      evidence: 'RateLimitedError',
    } as const;
    // What is computed of a site's words may be no number at all; then it is as if the site had said nothing.
    const isSaid = typeof retryAfterMs === 'number' && retryAfterMs >= 0;
    lease.judgedByTask(isSaid ? { ...judgement, retryAfterMs } : judgement);
    return true;
  }
  if (isOurs(error)) return lease.worst !== undefined && lease.worst.verdict !== 'ok';
  lease.keepOnlyTroubles();
  return false;
}

/** An answer that did not come: `session.fetch` judged it already. */
function isOurs(error: unknown): boolean {
  // By its code, not its class: the class is loaded with the first fetch.
  return error instanceof TypeError && String((error as { code?: unknown }).code).startsWith('FETCH_');
}

/** What failed gets a moment, longer each time; a limit or a block is the user's own, and another goes at once. */
export async function pauseBefore(
  judgement: Judgement,
  attempt: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (judgement.verdict !== 'failed') return;
  const ms = FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 6) * (0.5 + Math.random());
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
}
