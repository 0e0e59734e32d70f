import type { Job, Queue } from 'bullmq';
import type { Progress } from '../progress.ts';
import { type ConnectionEvents, connect } from './connect.ts';
import { loadQueuePackages } from './packages.ts';
import type { QueuePlace } from './queue-url.ts';
import { placeOf, type UrlJob } from './url-job.ts';

/** BullMQ keeps a stream of what happens, for those who listen. Nobody does, and it repeats every result. */
const EVENTS_KEPT = 100;

/**
 * The queue that lists and workers share. BullMQ holds the jobs, one a URL; beside them, under `troupe-queue:NAME:`, is
 * who is there: `lists`, a hash with a record for each list; `holder:LIST`, who hands it out; `workers`; `finished`, a count.
 */
export class UrlQueue implements AsyncDisposable {
  readonly place: QueuePlace;
  readonly client: Awaited<ReturnType<typeof connect>>;
  readonly bullmq: typeof import('bullmq');
  readonly #queue: Queue;

  private constructor(
    place: QueuePlace,
    client: UrlQueue['client'],
    bullmq: UrlQueue['bullmq'],
    queue: Queue,
  ) {
    this.place = place;
    this.client = client;
    this.bullmq = bullmq;
    this.#queue = queue;
  }

  /** @throws UsageError where the server cannot be used, TroupeError `MISSING_PACKAGE` */
  static async open(place: QueuePlace, events: ConnectionEvents): Promise<UrlQueue> {
    const { bullmq } = await loadQueuePackages();
    const client = await connect(place, events);
    const queue = new bullmq.Queue(place.name, {
      connection: client as never,
      streams: { events: { maxLen: EVENTS_KEPT } },
      defaultJobOptions: { attempts: 1, removeOnComplete: false, removeOnFail: false, stackTraceLimit: 1 },
    });
    // Told by the connection's own events, and by the calls that fail.
    queue.on('error', () => {});
    await queue.waitUntilReady();
    return new UrlQueue(place, client, bullmq, queue);
  }

  key(name: string): string {
    return `troupe-queue:${this.place.name}:${name}`;
  }

  /** Runs one of `scripts.ts`. */
  run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.client.eval(script, { keys: keys.map((key) => this.key(key)), arguments: args.map(String) });
  }

  /** Puts a URL in the queue; one that is there already stays as it is. */
  async add(id: string, job: UrlJob): Promise<void> {
    await this.#queue.add('url', job, { jobId: id });
  }

  /** Ids of the URLs in that state, the oldest first. */
  ids(state: 'waiting' | 'active' | 'completed' | 'failed'): Promise<string[]> {
    return this.#queue.getRanges([state], 0, -1, true);
  }

  counts(): Promise<Record<string, number>> {
    return this.#queue.getJobCounts('waiting', 'active', 'completed', 'failed');
  }

  read(id: string): Promise<Job | undefined> {
    return this.bullmq.Job.fromId(this.#queue, id);
  }

  /** Takes URLs out of the queue, whatever became of them; not those that a worker has in hand. */
  async remove(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += 500) {
      await Promise.all(ids.slice(from, from + 500).map((id) => this.#queue.remove(id)));
    }
  }

  /** Takes out all URLs of the lists that are named, but for those in hand. Answers how many of them still waited. */
  async removeLists(isWanted: (run: string) => boolean): Promise<number> {
    const ofThem = async (state: 'waiting' | 'completed' | 'failed') =>
      (await this.ids(state)).filter((id) => isWanted(placeOf(id).run));
    const waiting = await ofThem('waiting');
    await this.remove([...waiting, ...(await ofThem('completed')), ...(await ofThem('failed'))]);
    return waiting.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.close().catch(() => {});
    if (this.client.isOpen) this.client.destroy();
  }
}

/** Tells a person when the server goes, and when it is back. */
export function tellConnection(progress: Progress): ConnectionEvents {
  return {
    away: () => progress.say("the queue's Redis does not answer; going on when it is back"),
    back: () => progress.say("the queue's Redis is back"),
  };
}
