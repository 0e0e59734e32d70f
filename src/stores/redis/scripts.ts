import { createHash } from 'node:crypto';
import { add } from './scripts/add.ts';
import { create } from './scripts/create.ts';
import { lease } from './scripts/lease.ts';
import { order } from './scripts/order.ts';
import { prune } from './scripts/prune.ts';
import { release } from './scripts/release.ts';
import { remove } from './scripts/remove.ts';
import { renew } from './scripts/renew.ts';
import { info, open, putDocument, rewrite, waiting } from './scripts/small.ts';
import { count, get, list } from './scripts/views.ts';

/** A Lua script, and the name by which the server knows it once it has it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** One for each call of the contract. All declare the keys of `keys.ts`, in their order. */
export const scripts = {
  add: script(add),
  count: script(count),
  create: script(create),
  get: script(get),
  info: script(info),
  lease: script(lease),
  list: script(list),
  open: script(open),
  order: script(order),
  prune: script(prune),
  putDocument: script(putDocument),
  release: script(release),
  remove: script(remove),
  renew: script(renew),
  rewrite: script(rewrite),
  waiting: script(waiting),
} as const;
