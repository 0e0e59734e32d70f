import { hash } from 'node:crypto';
import { TroupeError } from '../../errors.ts';
import type { FetchRequest } from '../fetch/request-line.ts';
import type { FetchResult } from '../fetch/result.ts';

/** What the one who hands out a list says of all its requests. */
export interface ListTerms {
  readonly retries: number;
  /** How long a URL waits for a free user. */
  readonly waitMs: number;
  readonly maxBodyBytes: number;
}

/** One URL in the queue. */
export interface UrlJob {
  readonly format: 1;
  readonly request: FetchRequest;
  readonly terms: ListTerms;
}

/** A job is named by its list, its place in it, and its request: a line that was changed meanwhile is another job. */
export function jobId(run: string, place: number, { url, line }: FetchRequest): string {
  return `${run}-${place}-${hash('sha256', `${line} ${url}`).slice(0, 8)}`;
}

/** The list and the place that an id tells. */
export function placeOf(id: string): { run: string; place: number } {
  const [run = '', place] = id.split('-');
  return { run, place: Number(place) };
}

/** @throws TroupeError `INVALID_INPUT` for what this version did not put there */
export function readJob(data: unknown): UrlJob {
  const job = data as Partial<UrlJob> | null;
  if (job?.format !== 1 || typeof job.request?.url !== 'string' || typeof job.terms?.retries !== 'number') {
    throw new TroupeError(
      'INVALID_INPUT',
      'the queue holds something that this version of troupe does not know: is it shared with another program, or was the list handed out by a newer troupe?',
    );
  }
  return job as UrlJob;
}

/** What a worker made of a URL, as far as it can be read. */
export function readResult(value: unknown): FetchResult | undefined {
  const result = value as Partial<FetchResult> | null;
  if (typeof result?.time !== 'string' || typeof result.url !== 'string') return undefined;
  return result as FetchResult;
}
