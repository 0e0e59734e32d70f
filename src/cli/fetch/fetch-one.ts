import { type PoolFetchInit, type SessionPool, StoreError, troupeInfo } from '../../index.ts';
import type { BodyFiles } from './body-files.ts';
import type { FetchRequest } from './request-line.ts';
import type { Ending } from './result.ts';

/** What one fetch of a list needs beside its request. */
export interface FetchMeans {
  readonly pool: SessionPool;
  readonly bodies: BodyFiles | undefined;
  /** Aborts it. */
  readonly signal: AbortSignal;
  /** What goes for this request alone, in the place of the pool's own settings. */
  readonly terms?: Pick<PoolFetchInit, 'retries' | 'timeoutMs' | 'maxBodyBytes'>;
}

/** Methods that the pool tries again; another that went wrong must not be sent twice by a run that goes on. */
const RETRIED = ['GET', 'HEAD', 'OPTIONS'];

/** Whether the request may be made again without a word. */
export function mayRepeat({ method }: FetchRequest): boolean {
  return RETRIED.includes(method);
}

/** What became of the request. @throws what no other request would fare better with */
export async function fetchOne(
  request: FetchRequest,
  { pool, bodies, signal, terms }: FetchMeans,
): Promise<Ending> {
  const { url, method, headers, body } = request;
  const startedAt = performance.now();
  try {
    const response = await pool.fetch(url, { method, headers, body, signal, ...terms });
    const bytes = await response.bytes();
    const ms = performance.now() - startedAt;
    const file = await bodies?.save(request, response.headers.get('content-type'), bytes);
    const answer = { finalUrl: response.url, status: response.status, bytes: bytes.length };
    return { info: troupeInfo(response), ms, answer: file === undefined ? answer : { ...answer, file } };
  } catch (error) {
    if (isFatal(error)) throw error;
    return {
      info: error instanceof Error ? troupeInfo(error) : undefined,
      ms: performance.now() - startedAt,
      error,
    };
  }
}

/** Whether a fetch ended as it did because it was stopped: nothing can be said of its page. */
export function isCutOff({ error }: Ending, signal: AbortSignal): boolean {
  return error !== undefined && ((error as { code?: unknown }).code === 'POOL_CLOSED' || signal.aborted);
}

/** The store is gone, or a file cannot be written: no other URL would fare better. */
function isFatal(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'STORE_UNUSABLE';
  return error instanceof Error && 'syscall' in error && !(error instanceof TypeError);
}
