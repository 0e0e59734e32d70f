import type { PoolContext } from '../context.ts';
import { pagesOf } from '../pages.ts';
import type { Retirement } from '../retirement.ts';
import { PROXY_GONE } from './pool-proxies.ts';

/**
 * Retires the sessions with these tags. Where somebody here wants to hear of it, one by one: only the order that reaches a
 * session tells of it, so that of several processes with the same list one does. That reads the whole list of sessions,
 * and a proxy is seldom gone.
 */
export async function retireBehind(
  tags: ReadonlySet<string>,
  context: PoolContext,
  retirement: Retirement,
): Promise<void> {
  const { store, settings, events } = context;
  const order = { kind: 'retire', reason: PROXY_GONE } as const;
  if (settings.onRetire || settings.accounts || events.isHeard('retired')) {
    for (const id of await livingBehind(tags, context)) {
      if ((await store.order({ ids: [id] }, order)) === 0) continue;
      events.emit('retired', { sessionId: id, reason: PROXY_GONE, evidence: '' });
      await retirement.retired(id, PROXY_GONE);
    }
  }
  // All of them, or those that came meanwhile.
  for (const tag of tags) await store.order({ tag }, order);
}

async function livingBehind(tags: ReadonlySet<string>, { store }: PoolContext): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of pagesOf(store)) {
    for (const { id, tag, state } of page) {
      if (state !== 'dead' && tag !== null && tags.has(tag)) ids.push(id);
    }
  }
  return ids;
}
