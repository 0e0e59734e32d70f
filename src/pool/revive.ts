import { OptionError } from '../errors.ts';
import { checkOptions, describe, type OptionCheck, text } from '../internal/options.ts';
import type { Order, SessionStore } from '../stores/store.ts';
import { pagesOf } from './pages.ts';

/** Which of the dead are to live again: all that is given must hold. */
export interface ReviveOptions {
  /** Died for this reason, or for one that begins with it: `'blocked status'` is also `'blocked status: status 403'`. */
  reason?: string;
  /** Died at this instant or later. */
  since?: Date;
}

const date: OptionCheck = (value, path) => {
  if (!(value instanceof Date) || Number.isNaN(value.getTime()))
    throw new OptionError(path, `option "${path}" must be a valid Date; got ${describe(value)}`);
};

/** @throws OptionError also where nothing is given: that would be all of the dead */
export function checkReviveOptions(options: ReviveOptions): void {
  checkOptions(options, { reason: text, since: date });
  if (options?.reason === undefined && options?.since === undefined)
    throw new OptionError('reason', 'revive needs an id, or a reason, or since when; got none of them');
}

/** Revives page by page. */
export async function reviveMany(
  store: SessionStore,
  { reason, since }: ReviveOptions,
  order: Extract<Order, { kind: 'revive' }>,
): Promise<number> {
  let revived = 0;
  for await (const page of pagesOf(store, { state: 'dead' })) {
    const ids = page
      .filter((dead) => reason === undefined || dead.reason?.startsWith(reason))
      .filter(({ sinceAt }) => since === undefined || (sinceAt !== null && sinceAt >= since.getTime()))
      .map(({ id }) => id);
    if (ids.length > 0) revived += await store.order({ ids }, order);
  }
  return revived;
}
