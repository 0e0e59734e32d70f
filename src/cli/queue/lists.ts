import { COUNT_WORKERS } from './scripts.ts';
import type { UrlQueue } from './url-queue.ts';

/** What is known of a list that is being done. */
export interface ListRecord {
  /** Names it for people and for its jobs; random, and another one when the list is begun anew. */
  readonly run: string;
  /** Who hands it out, and the name of its output: `host:1234 results.jsonl`. */
  readonly holder: string;
  readonly output: string;
  /** Lines in all; `null` where only reading them would tell. */
  readonly total: number | null;
  /** Lines that are behind it, and how many of them went wrong. */
  readonly done: number;
  readonly failed: number;
}

/** A list, the field that it is stored under, and whether somebody hands it out and collects its results now. */
export interface KnownList extends ListRecord {
  readonly field: string;
  readonly isHeld: boolean;
}

export async function readLists(queue: UrlQueue): Promise<KnownList[]> {
  const records = Object.entries(await queue.client.hGetAll(queue.key('lists')));
  return Promise.all(
    records.map(async ([field, text]) => ({
      ...(JSON.parse(text) as ListRecord),
      field,
      isHeld: (await queue.client.exists(queue.key(`holder:${field}`))) === 1,
    })),
  );
}

/** The list that is stored under that field, if there is one. */
export async function readList(queue: UrlQueue, field: string): Promise<ListRecord | undefined> {
  const text = await queue.client.hGet(queue.key('lists'), field);
  return text ? (JSON.parse(text) as ListRecord) : undefined;
}

/** Results of lists that are known no more: of one that was taken out while workers had some of it in hand. */
export async function removeOrphans(queue: UrlQueue): Promise<void> {
  // Read in this order: a list is made known before its first URL is put in.
  const ids = await queue.ids('completed');
  const known = new Set((await readLists(queue)).map(({ run }) => run));
  await queue.remove(ids.filter((id) => !known.has(id.split('-', 1)[0]!)));
}

/** How the whole stands, as everybody who shares the queue can see it. */
export interface QueueStanding {
  readonly lists: readonly KnownList[];
  readonly workers: number;
  /** URLs that workers have in hand. */
  readonly inWork: number;
  /** URLs in the queue that nobody has taken yet: a window on the lists, never all of them. */
  readonly inQueue: number;
  /** Done by a worker, and not yet in an output. */
  readonly toCollect: number;
  /** Grows with every result that reaches an output. */
  readonly finished: number;
}

export async function readStanding(queue: UrlQueue): Promise<QueueStanding> {
  const [lists, workers, counts, finished] = await Promise.all([
    readLists(queue),
    queue.run(COUNT_WORKERS, ['workers'], []),
    queue.counts(),
    queue.client.get(queue.key('finished')),
  ]);
  return {
    lists,
    workers: Number(workers),
    inWork: counts.active ?? 0,
    inQueue: counts.waiting ?? 0,
    toCollect: counts.completed ?? 0,
    finished: Number(finished ?? 0),
  };
}
