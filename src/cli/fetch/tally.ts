import type { SessionPool } from '../../index.ts';
import { type FetchResult, isGood } from './result.ts';

/** Counts what a run does, for the progress and the summary. */
export class Tally {
  readonly startedAt = performance.now();
  good = 0;
  failed = 0;
  badLines = 0;
  /** Done in an earlier run. */
  skipped = 0;
  /** Taken up, and given up when the run was stopped. */
  unfinished = 0;
  /** Given back to the queue: another worker does them. */
  returned = 0;
  retries = 0;
  bytes = 0;
  readonly verdicts = new Map<string, number>();
  readonly statuses = new Map<string, number>();
  /** Verdicts of every answer, those that were retried included. */
  readonly answers = new Map<string, number>();
  /** Results by who fetched them, where a queue shares the list. */
  readonly workers = new Map<string, number>();
  /** Whether there is a pool of this process, so that the counts of users mean something. */
  hasUsers = false;
  created = 0;
  banned = 0;
  rested = 0;
  /** Users that died, by reason. */
  deaths: ReadonlyMap<string, number> = new Map();

  /** URLs with a result of this run. */
  get finished(): number {
    return this.good + this.failed;
  }

  /** Input that is behind us, whatever became of it. */
  get done(): number {
    return this.finished + this.badLines + this.skipped;
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  count(result: FetchResult): void {
    if (isGood(result)) this.good += 1;
    else this.failed += 1;
    this.retries += Math.max(0, (result.attempts ?? 1) - 1);
    this.bytes += result.bytes ?? 0;
    if (result.worker !== undefined) add(this.workers, result.worker);
    add(this.verdicts, result.verdict ?? 'no user');
    add(this.statuses, result.status === null ? 'no answer' : String(result.status));
  }

  /** Counts what becomes of the users. */
  listenTo(pool: SessionPool): void {
    this.hasUsers = true;
    pool.on('judged', ({ verdict }) => add(this.answers, verdict));
    pool.on('created', () => {
      this.created += 1;
    });
    pool.on('banned', () => {
      this.banned += 1;
    });
    pool.on('rested', () => {
      this.rested += 1;
    });
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** `ok 297, blocked 2`: the most frequent first. */
export function listCounts(counts: ReadonlyMap<string, number>, separator = ', '): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(separator) || 'none';
}
