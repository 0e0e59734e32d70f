import type { SessionStore } from '../../src/stores/store.ts';

/** Ways to break a store's promises: for the proof that a run finds them. */
export const BROKEN_KINDS = [
  'forgets-releases',
  'ends-leases-early',
  'counts-twice',
  'exceeds-limit',
  'keeps-retired',
] as const;

export type BrokenKind = (typeof BROKEN_KINDS)[number];

/** The store with one promise broken, now and then. */
export function brokenStore(store: SessionStore, kind: BrokenKind): SessionStore {
  const { lease, release, renew } = store;
  let releases = 0;
  switch (kind) {
    case 'forgets-releases':
      // Every eighth is acknowledged, and never written.
      store.release = (held, change, isRepeat) =>
        ++releases % 8 === 0 ? 'released' : release.call(store, held, change, isRepeat);
      break;
    case 'ends-leases-early':
      store.lease = (request) => lease.call(store, { ...request, leaseMs: request.leaseMs / 4 });
      store.renew = (renewals) =>
        renew.call(
          store,
          renewals.map((renewal) => ({ ...renewal, leaseMs: renewal.leaseMs / 4 })),
        );
      break;
    case 'counts-twice':
      store.release = (held, change, isRepeat) => {
        const isWrong = change !== null && ++releases % 8 === 0;
        const written = isWrong ? { ...change, usageCount: change.usageCount + 1 } : change;
        return release.call(store, held, written, isRepeat);
      };
      break;
    case 'exceeds-limit':
      store.lease = ({ limit, ...request }) =>
        lease.call(store, limit === undefined ? request : { ...request, limit: limit + 1 });
      break;
    case 'keeps-retired':
      store.release = (held, change, isRepeat) =>
        release.call(store, held, change && { ...change, status: 'usable' }, isRepeat);
  }
  return store;
}
