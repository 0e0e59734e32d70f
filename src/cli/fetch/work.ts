import { type SessionPool, StoreError, troupeInfo } from '../../index.ts';
import { toJson } from '../terminal.ts';
import type { BodyFiles } from './body-files.ts';
import type { Interruption } from './interruption.ts';
import type { Output } from './output.ts';
import type { FetchRequest } from './request-line.ts';
import { type Ending, isGood, resultOf } from './result.ts';
import type { DoneRequests } from './resume.ts';
import type { Tally } from './tally.ts';

/** What the workers of a run share. */
export interface Run {
  /** The common list, read as they ask for more. */
  readonly requests: AsyncGenerator<FetchRequest, void, undefined>;
  readonly done: DoneRequests;
  readonly pool: SessionPool;
  readonly output: Output;
  readonly bodies: BodyFiles | undefined;
  readonly tally: Tally;
  readonly end: Interruption;
}

/** Methods that the pool tries again; another that went wrong must not be sent twice by --resume. */
const RETRIED = ['GET', 'HEAD', 'OPTIONS'];

/** One of the workers: takes requests from the common list until there are none, or the run is stopped. */
export async function work(run: Run): Promise<void> {
  const { requests, done, tally, end, output } = run;
  try {
    while (!end.isAsked) {
      const next = await requests.next();
      if (next.done) return;
      if (done.take(next.value)) {
        tally.skipped += 1;
        continue;
      }
      const ending = await fetchOne(next.value, run);
      const result = ending && resultOf(next.value, ending);
      // Of one that would have been tried again, had the run not been stopped, nothing final can be said.
      if (!result || (end.isAsked && !isGood(result) && RETRIED.includes(next.value.method))) {
        tally.unfinished += 1;
        continue;
      }
      await output.write(toJson(result));
      tally.count(result);
    }
  } catch (error) {
    // An input or an output that broke: the others need not go on either.
    end.fail(error);
  }
}

/** What became of the request; `undefined` where the run was stopped before its end. */
async function fetchOne(request: FetchRequest, { pool, bodies, end }: Run): Promise<Ending | undefined> {
  const { url, method, headers, body } = request;
  const startedAt = performance.now();
  try {
    const response = await pool.fetch(url, { method, headers, body, signal: end.signal });
    const bytes = await response.bytes();
    const ms = performance.now() - startedAt;
    const file = await bodies?.save(request, response.headers.get('content-type'), bytes);
    const answer = { finalUrl: response.url, status: response.status, bytes: bytes.length };
    return { info: troupeInfo(response), ms, answer: file === undefined ? answer : { ...answer, file } };
  } catch (error) {
    if (isFatal(error)) throw error;
    const isStopped =
      end.isAsked && ((error as { code?: unknown }).code === 'POOL_CLOSED' || end.signal.aborted);
    if (isStopped) return undefined;
    return {
      info: error instanceof Error ? troupeInfo(error) : undefined,
      ms: performance.now() - startedAt,
      error,
    };
  }
}

/** The store is gone, or a file cannot be written: no other URL would fare better. */
function isFatal(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'STORE_UNUSABLE';
  return error instanceof Error && 'syscall' in error && !(error instanceof TypeError);
}
