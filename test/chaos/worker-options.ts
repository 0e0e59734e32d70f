import type { BrokenKind } from './broken-store.ts';

/** What the harness tells a worker, as JSON in its argument. */
export interface WorkerOptions {
  /** Names it in logs: its place and how often that was filled before, `2.1`. */
  name: string;
  storeUrl: string;
  log: string;
  sitePort: number;
  /** Where all that it does by chance comes from. */
  seed: number;
  leaseMs: number;
  maxPoolSize: number;
  /** How wrong its wall clock is at first. */
  skewMs: number;
  /** To see that the checker finds it. */
  broken?: BrokenKind | undefined;
}
