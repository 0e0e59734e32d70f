import { OptionError } from '../errors.ts';
import { checkOptions, describe, type OptionCheck, text } from '../internal/options.ts';
import type { Order, SessionStore } from '../stores/store.ts';

/** Which of the dead are to live again: all that is given must hold. */
export interface ReviveOptions {
  /** Died for this reason, or for one that begins with it: `'blocked status'` is also `'blocked status: status 403'`. */
  reason?: string;
  /** Died at this instant or later. */
  since?: Date;
}

const PAGE = 500;

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

/** Revives page by page, so that neither the store nor this process is held up by a pool of a million dead. */
export async function reviveMany(
  store: SessionStore,
  { reason, since }: ReviveOptions,
  order: Extract<Order, { kind: 'revive' }>,
): Promise<number> {
  let revived = 0;
  let after: string | undefined;
  do {
    const page = await store.list({ state: 'dead', limit: PAGE, ...(after === undefined ? {} : { after }) });
    const ids = page.sessions
      .filter((dead) => reason === undefined || dead.reason?.startsWith(reason))
      .filter(({ sinceAt }) => since === undefined || (sinceAt !== null && sinceAt >= since.getTime()))
      .map(({ id }) => id);
    if (ids.length > 0) revived += await store.order({ ids }, order);
    after = page.next;
  } while (after !== undefined);
  return revived;
}
