import type { ListedSession } from '../../src/stores/store.ts';
import type { EndSession, EndState } from './history.ts';
import { type LoggedStore, markOf } from './logged-store.ts';

/**
 * What is in the store when nobody uses it any more. Each session that can be had is leased once by its id and given back as it
 * was: a lease that ran out is counted when the next one begins.
 */
export async function lookAtEnd(store: LoggedStore, leaseMs: number): Promise<EndState> {
  for (const { id, state } of await listAll(store)) {
    if (state === 'dead') continue;
    const result = await store.lease({
      ...{ id, leaseMs, rotation: 'round-robin', fill: 'on-demand', holder: 'harness' },
    });
    if (result.kind === 'leased') await store.release(result.lease, null);
  }
  const sessions = (await listAll(store)).map(
    ({ id, status, reason, usageCount, state, body }): EndSession => ({
      ...{ id, status, reason, usageCount, state },
      mark: markOf(body),
    }),
  );
  const { living, leased, places, dead } = await store.count();
  return { sessions, counts: { living, leased, places, dead } };
}

async function listAll(store: LoggedStore): Promise<ListedSession[]> {
  const all: ListedSession[] = [];
  for (let after: string | undefined; ; ) {
    // Small pages, so that there are several.
    const page = await store.list({ limit: 5, ...(after !== undefined && { after }) });
    all.push(...page.sessions);
    if (page.next === undefined) return all;
    after = page.next;
  }
}
