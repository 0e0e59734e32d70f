import type { Fault } from './plan.ts';

/** What happened in one run or in many. */
export interface Tally {
  holds: number;
  hops: number;
  kills: number;
  stops: number;
  cuts: number;
  stalls: number;
  restarts: number;
  skews: number;
}

const COLUMN_OF: Record<Fault['kind'], keyof Tally> = {
  kill: 'kills',
  stop: 'stops',
  skew: 'skews',
  cut: 'cuts',
  refuse: 'cuts',
  'lose answers': 'cuts',
  delay: 'stalls',
  stall: 'stalls',
  pause: 'stalls',
  lock: 'stalls',
  restart: 'restarts',
};

export function tallyOf(faults: readonly Fault[], holds: number, hops: number): Tally {
  const tally = { holds, hops, kills: 0, stops: 0, cuts: 0, stalls: 0, restarts: 0, skews: 0 };
  for (const { kind } of faults) tally[COLUMN_OF[kind]] += 1;
  return tally;
}

export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = tallyOf([], 0, 0);
  for (const tally of tallies)
    for (const name of Object.keys(sum) as (keyof Tally)[]) sum[name] += tally[name];
  return sum;
}
