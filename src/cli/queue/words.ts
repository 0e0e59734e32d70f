import type { ListRecord, QueueStanding } from './lists.ts';

/** What a progress says of the queue, for all lists or for one. */
export function queueDetails(
  { workers, inWork, inQueue, toCollect }: QueueStanding,
  lists: readonly Pick<ListRecord, 'total' | 'done' | 'failed'>[],
): string[] {
  const failed = lists.reduce((sum, list) => sum + list.failed, 0);
  const isCounted = lists.length > 0 && lists.every(({ total }) => total !== null);
  const left = lists.reduce((sum, { total, done }) => sum + (total ?? 0) - done, 0);
  // Not yet handed out, they wait all the same.
  const waiting = isCounted ? Math.max(0, left - inWork - toCollect) : inQueue;
  return [
    `${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    `${waiting} waiting, ${inWork} in work, ${failed} failed`,
  ];
}
