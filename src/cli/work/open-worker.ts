import { openStore, SessionPool, type SessionPoolOptions } from '../../index.ts';
import { BodyFiles } from '../fetch/body-files.ts';
import { deathsSince } from '../fetch/deaths.ts';
import { requireMeans } from '../fetch/means.ts';
import type { Tally } from '../fetch/tally.ts';
import { tellOf, userDetails } from '../fetch/users.ts';
import type { Interruption } from '../interruption.ts';
import type { Progress } from '../progress.ts';
import type { UrlQueue } from '../queue/url-queue.ts';
import { UrlWorker } from './url-worker.ts';

/** With what a worker works. */
export interface WorkerSettings {
  /** The store's URL. */
  readonly store: string;
  readonly pool: Omit<SessionPoolOptions, 'store'>;
  readonly concurrency: number;
  readonly saveBodies?: string | undefined;
}

/** A worker that is ready to begin. */
export interface OpenWorker {
  /** Works until {@link OpenWorker.stop}; closes the pool and completes the tally at the end. */
  run(): Promise<void>;
  stop(): void;
  /** What a progress says of its users. */
  details(): Promise<string[]>;
}

interface OpenWorkerMeans {
  readonly queue: UrlQueue;
  /** What becomes of the users is counted there. */
  readonly tally: Tally;
  /** And the results of this worker; not where those of all workers are. */
  readonly countsResults: boolean;
  readonly end: Interruption;
  readonly progress: Progress;
}

/** Opens the store, the pool and the folder of a worker. `opened` closes them. */
export async function openWorker(
  settings: WorkerSettings,
  { queue, tally, end, progress, countsResults }: OpenWorkerMeans,
  opened: AsyncDisposableStack,
): Promise<OpenWorker> {
  const bodies = settings.saveBodies === undefined ? undefined : await BodyFiles.in(settings.saveBodies);
  await requireMeans(settings.pool);
  const store = opened.adopt(await openStore(settings.store), (open) => open.close());
  const before = await store.count();
  const pool = opened.use(new SessionPool({ ...settings.pool, store }));
  tally.listenTo(pool);
  tellOf(pool, progress);
  const worker = new UrlWorker({
    queue,
    pool,
    bodies,
    concurrency: settings.concurrency,
    end,
    onDone: (result) => {
      if (countsResults) tally.count(result);
    },
    onReturned: () => {
      tally.returned += 1;
    },
  });
  return {
    run: async () => {
      try {
        await worker.run();
      } finally {
        await pool.close();
        // A store that is away keeps its secret; all else is told.
        try {
          tally.deaths = deathsSince(before, await store.count());
        } catch {}
      }
    },
    stop: () => {
      worker.stop();
      // Those who wait for a user are sent away, and the ones at work are waited for.
      pool.drain().catch((error: unknown) => end.fail(error));
    },
    details: userDetails(pool, tally),
  };
}
