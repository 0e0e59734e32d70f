import { parseArgs } from 'node:util';
import { BROKEN_KINDS, type BrokenKind } from './broken-store.ts';
import { STORE_KINDS, type StoreKind } from './plan.ts';

export interface ChaosOptions {
  stores: StoreKind[];
  /** How many seeds on each store, from `seed` on. */
  seeds: number;
  seed: number;
  /** How long faults happen in a run. */
  seconds: number;
  workers: number;
  /** Stores that are run at the same time. */
  jobs: number;
  isKept: boolean;
  broken: BrokenKind | undefined;
}

export const HELP = `Proves the stores' invariants under faults: workers lease, use and give back sessions of one store while they are
killed, stopped and continued, their clocks set wrong, their connections cut, delayed and stalled, and the server restarted.

  npm run test:chaos -- [options]

  --store NAME     sqlite, redis or postgres; may be given more than once (all three)
  --seeds N        seeds on each store (20)
  --seed N         the first of them (1); the same seed makes the same faults at the same times
  --seconds N      how long faults happen in a run (6)
  --workers N      processes at work at once (4)
  --jobs N         stores that are run at the same time (3)
  --keep           keep the logs of all runs, not only of those that failed
  --broken NAME    use a store that breaks a promise, to see that it is found: ${BROKEN_KINDS.join(', ')}
  --help

Ends with 1 if a promise was broken, and names the seed, the command that repeats it and the folder of its logs.`;

/** @throws TypeError for what cannot be understood */
export function parseOptions(args: string[]): ChaosOptions | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      store: { type: 'string', multiple: true },
      seeds: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '6' },
      workers: { type: 'string', default: '4' },
      jobs: { type: 'string', default: '3' },
      keep: { type: 'boolean', default: false },
      broken: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    stores: values.store?.map((name) => oneOf(STORE_KINDS, '--store', name)) ?? [...STORE_KINDS],
    seeds: count('--seeds', values.seeds),
    seed: count('--seed', values.seed),
    seconds: count('--seconds', values.seconds),
    workers: count('--workers', values.workers),
    jobs: count('--jobs', values.jobs),
    isKept: values.keep,
    broken: values.broken === undefined ? undefined : oneOf(BROKEN_KINDS, '--broken', values.broken),
  };
}

/** The command that does a run once more. */
export function commandOf(
  store: StoreKind,
  seed: number,
  { seconds, workers, broken }: ChaosOptions,
): string {
  const more = broken === undefined ? '' : ` --broken ${broken}`;
  return `npm run test:chaos -- --store ${store} --seed ${seed} --seeds 1 --seconds ${seconds} --workers ${workers}${more}`;
}

function oneOf<T extends string>(known: readonly T[], option: string, value: string): T {
  const found = known.find((name) => name === value);
  if (found === undefined) throw new TypeError(`${option} must be one of ${known.join(', ')}; got ${value}`);
  return found;
}

function count(option: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new TypeError(`${option} must be a whole number above 0; got ${value}`);
}
