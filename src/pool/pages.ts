import type { ListedSession, SessionStore } from '../stores/store.ts';

const PAGE = 500;

/**
 * What a store lists, page by page, in the order of ids: neither the store nor this process is held up by a million of them. What
 * is looked at may be changed, or removed, meanwhile.
 */
export async function* pagesOf(
  store: SessionStore,
  only: { state?: ListedSession['state'] } = {},
): AsyncGenerator<readonly ListedSession[], void, undefined> {
  let after: string | undefined;
  do {
    const page = await store.list({ ...only, limit: PAGE, ...(after === undefined ? {} : { after }) });
    yield page.sessions;
    after = page.next;
  } while (after !== undefined);
}
