import { seededRandom } from '../../src/testing/random.ts';

export const STORE_KINDS = ['sqlite', 'redis', 'postgres'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** What is done to the workers, their connections and the server, and when: milliseconds after the start. */
export type Fault = { atMs: number } & (
  | { kind: 'kill'; worker: number; backAfterMs: number }
  /** SIGSTOP, and SIGCONT after so long. */
  | { kind: 'stop'; worker: number; forMs: number }
  | { kind: 'skew'; worker: number; byMs: number }
  /** Connections to the server: of one worker, or (`null`) of all. */
  | { kind: 'cut'; worker: number | null }
  | { kind: 'refuse'; worker: number | null; forMs: number }
  | { kind: 'delay'; worker: number | null; forMs: number; delayMs: number }
  | { kind: 'stall'; worker: number | null; forMs: number; direction: 'up' | 'down' | 'both' }
  | { kind: 'lose answers'; worker: number | null }
  /** The server: stopped or killed, and started again; or held still. */
  | { kind: 'restart'; isKilled: boolean; downMs: number }
  | { kind: 'pause'; forMs: number }
  /** Somebody else writes to the file, and takes his time. */
  | { kind: 'lock'; forMs: number }
);

export interface Plan {
  /** In the order of their instants. */
  faults: Fault[];
  /** What the behaviour of each worker comes from, by its place. */
  workerSeeds: number[];
  /** How wrong each worker's clock is at first. */
  skewsMs: number[];
}

type FaultKind = Fault['kind'];

const OF_PROCESSES: readonly FaultKind[] = ['kill', 'kill', 'kill', 'stop', 'stop'];
const OF_FILES: readonly FaultKind[] = [...OF_PROCESSES, 'lock'];
const OF_SERVERS: readonly FaultKind[] = [
  ...OF_PROCESSES,
  ...(['cut', 'cut', 'refuse', 'delay', 'stall', 'lose answers', 'lose answers', 'lose answers'] as const),
  ...(['restart', 'pause', 'skew'] as const),
];

const MINUTE_MS = 60_000;
/** The first sessions are in use by then. */
const QUIET_MS = 300;

/** The faults of one run: the same for the same seed. */
export function makePlan(
  seed: number,
  store: StoreKind,
  { seconds, workers, leaseMs }: { seconds: number; workers: number; leaseMs: number },
): Plan {
  const random = seededRandom(seed);
  const between = (least: number, most: number) => least + random.below(most - least);
  const target = () => (random.percent(60) ? random.below(workers) : null);
  const skew = () => random.pick([-10, -1, 0, 0, 1, 10]) * MINUTE_MS;
  const fault = (atMs: number): Fault => {
    const kind = random.pick(store === 'sqlite' ? OF_FILES : OF_SERVERS);
    const worker = random.below(workers);
    switch (kind) {
      case 'kill':
        return { atMs, kind, worker, backAfterMs: between(20, 400) };
      case 'stop':
        return {
          atMs,
          kind,
          worker,
          forMs: random.percent(70) ? between(leaseMs, 2 * leaseMs) : between(50, leaseMs),
        };
      case 'skew':
        return { atMs, kind, worker, byMs: skew() };
      case 'cut':
      case 'lose answers':
        return { atMs, kind, worker: target() };
      case 'refuse':
        return { atMs, kind, worker: target(), forMs: between(100, leaseMs) };
      case 'delay':
        return { atMs, kind, worker: target(), forMs: between(300, leaseMs), delayMs: between(5, 250) };
      case 'stall': {
        const direction = random.pick(['up', 'down', 'both'] as const);
        return { atMs, kind, worker: target(), forMs: between(leaseMs / 2, 2 * leaseMs), direction };
      }
      case 'restart':
        return { atMs, kind, isKilled: random.percent(60), downMs: between(50, leaseMs) };
      case 'pause':
        return { atMs, kind, forMs: between(200, 1.5 * leaseMs) };
      case 'lock':
        return { atMs, kind, forMs: between(50, 1.5 * leaseMs) };
    }
  };
  const faults: Fault[] = [];
  for (let atMs = QUIET_MS; atMs < seconds * 1000; atMs += between(100, 600)) faults.push(fault(atMs));
  return {
    faults,
    workerSeeds: Array.from({ length: workers }, () => random.below(2 ** 31)),
    // All who share a file are on one machine, and have one clock.
    skewsMs: Array.from({ length: workers }, () => (store === 'sqlite' ? 0 : skew())),
  };
}
