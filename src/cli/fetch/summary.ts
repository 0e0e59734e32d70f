import { showBytes, showDuration } from '../quantities.ts';
import { facts } from '../table.ts';
import { type OutStream, styled, widthOf } from '../terminal.ts';
import { listCounts, type Tally } from './tally.ts';

const WORKERS_SHOWN = 8;

/** The table at a run's end. */
export function summary(tally: Tally, stream: OutStream): string {
  const ms = tally.elapsedMs;
  const rate = tally.finished / (ms / 1_000);
  const urls = [`${tally.finished} done`, `${tally.good} good`];
  if (tally.failed > 0) urls.push(`${tally.failed} failed`);
  if (tally.skipped > 0) urls.push(`${tally.skipped} skipped (in the output already)`);
  if (tally.badLines > 0) urls.push(`${tally.badLines} bad input ${tally.badLines === 1 ? 'line' : 'lines'}`);
  if (tally.unfinished > 0) urls.push(`${tally.unfinished} given up when stopped`);
  if (tally.returned > 0) urls.push(`${tally.returned} given back to the queue`);
  const retired = [...tally.deaths.values()].reduce((sum, count) => sum + count, 0);
  const users = [
    `${tally.created} created`,
    `${retired} retired${retired > 0 ? ` (${listCounts(tally.deaths)})` : ''}`,
    `${tally.banned} banned from a site`,
    `${tally.rested} ${tally.rested === 1 ? 'rest' : 'rests'}`,
  ];
  const pairs = [
    ['URLs', urls.join(', ')],
    ['verdicts', listCounts(tally.verdicts)],
    ['statuses', listCounts(tally.statuses)],
    ['retries', `${tally.retries} as another user`],
    ...(tally.workers.size > 0 ? [['workers', workerWords(tally)] as const] : []),
    ...(tally.hasUsers ? [['users', users.join(', ')] as const] : []),
    ['time', `${showDuration(ms)}, ${rate.toFixed(1)} URLs/s, ${showBytes(tally.bytes)}`],
  ] as const;
  const [head, ...rest] = facts(pairs, widthOf(stream));
  return [styled('bold', head!, stream), ...rest].map((line) => `${line}\n`).join('');
}

/** `3: host:1234 412, host:77 401, other:5 187`. */
function workerWords({ workers }: Tally): string {
  const most = [...workers].sort(([, a], [, b]) => b - a).slice(0, WORKERS_SHOWN);
  const more = workers.size > most.length ? ` and ${workers.size - most.length} more` : '';
  return `${workers.size}: ${listCounts(new Map(most))}${more}`;
}
