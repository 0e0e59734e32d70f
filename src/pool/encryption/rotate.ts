import { StateError, StoreError } from '../../errors.ts';
import type { ListedSession, Rewrite, SessionStore } from '../../stores/store.ts';
import { ACCOUNT_DOCUMENTS } from '../accounts/account-book.ts';
import { storedAccountKey } from '../accounts/account-key.ts';
import { storedProxyTag } from '../proxies/proxy-tags.ts';
import { type Agreement, readAgreement, requireKeys, writeAgreement } from './agreement.ts';
import { resealDocument } from './sealed-documents.ts';
import { isSealed, type Sealing } from './sealing.ts';

/** Sessions that are read, and written, at once: little enough for a server or an event loop with other things to do. */
const PAGE = 200;
/** More than this, and somebody keeps on sealing with another key. */
const MAX_PASSES = 10;
const MAX_REASONS = 20;

export interface RotateOptions {
  /** Stops it after the page at hand. */
  signal?: AbortSignal;
  /** After each page. */
  onProgress?: (progress: RotationProgress) => void;
}

export interface RotationProgress {
  /** Sessions seen in this pass. */
  readonly lookedAt: number;
  /** Bodies sealed so far. */
  readonly sealed: number;
  /** Bodies found in clear text so far. */
  readonly clear: number;
}

export interface RotationResult extends RotationProgress {
  /** `unreadable`: some could not be opened, and the keys that were in force stay so. */
  readonly end: 'done' | 'interrupted' | 'unreadable';
  readonly unreadable: number;
  /** Why, for the first of them. */
  readonly reasons: readonly string[];
}

/**
 * Seals everything in a store with the first of the keys: the living and the dead, leased or not, what is kept of accounts,
 * and what was in clear text. At the end the first key is the only one in force. It can be stopped at any point, and run again.
 *
 * Those who use the store meanwhile go on, if they have all the keys. What they write between our reading and our
 * writing is theirs, and met in the next pass; the last pass finds nothing to do.
 * @throws StoreError `WRONG_KEY` where a key in force is not given; `STORE_BUSY` where others go on sealing with another
 */
export async function rotateKeys(
  store: SessionStore,
  sealing: Sealing,
  options: RotateOptions = {},
): Promise<RotationResult> {
  let sealed = 0;
  let clear = 0;
  for (let passes = 1; passes <= MAX_PASSES; passes++) {
    const agreement = await begin(store, sealing);
    const pass = await onePass(store, sealing, options, { sealed, clear });
    ({ sealed, clear } = pass);
    if (pass.isStopped) return { ...pass, end: 'interrupted' };
    if (!pass.isIdle) continue;
    if (pass.unreadable > 0) return { ...pass, end: 'unreadable' };
    if (agreement.isPartlyClear || clear > 0) await store.scrub?.();
    const final = { ...agreement, keys: [sealing.current.id], isPartlyClear: false };
    // Otherwise somebody with another key has come meanwhile.
    if (await writeAgreement(store, final)) return { ...pass, end: 'done' };
  }
  throw new StoreError(
    'STORE_BUSY',
    `others go on sealing sessions with another key than ${sealing.current.id}: give them this one first, and run it again`,
  );
}

/** From now on the first key is in force, beside those that were: who has not all of them is refused. */
async function begin(store: SessionStore, sealing: Sealing): Promise<Agreement> {
  const { id } = sealing.current;
  for (;;) {
    const before = await readAgreement(store);
    if (before !== undefined) requireKeys(before, sealing);
    if (before?.keys.includes(id)) return before;
    // Written or not, it is read again: for its version.
    await writeAgreement(store, {
      keys: [id, ...(before?.keys ?? [])],
      isPartlyClear: before === undefined,
      version: before?.version ?? 0,
    });
  }
}

interface Pass extends Omit<RotationResult, 'end'> {
  /** There was nothing to write. */
  readonly isIdle: boolean;
  readonly isStopped: boolean;
}

async function onePass(
  store: SessionStore,
  sealing: Sealing,
  { signal, onProgress }: RotateOptions,
  before: Pick<Pass, 'sealed' | 'clear'>,
): Promise<Pass> {
  let { sealed, clear } = before;
  let lookedAt = 0;
  let unreadable = 0;
  const reasons: string[] = [];
  let isIdle = true;
  let after: string | undefined;
  let isStopped = false;
  do {
    isStopped = signal?.aborted === true;
    if (isStopped) break;
    const page = await store.list(after === undefined ? { limit: PAGE } : { limit: PAGE, after });
    const rewrites: Rewrite[] = [];
    for (const session of page.sessions) {
      try {
        const rewrite = rewriteOf(session, sealing);
        if (rewrite === undefined) continue;
        rewrites.push(rewrite);
        if (!isSealed(session.body as string)) clear += 1;
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        unreadable += 1;
        if (reasons.length < MAX_REASONS) reasons.push(error.message);
      }
    }
    if (rewrites.length > 0) {
      isIdle = false;
      sealed += await store.rewrite!(rewrites);
    }
    lookedAt += page.sessions.length;
    onProgress?.({ lookedAt, sealed, clear });
    after = page.next;
  } while (after !== undefined);
  for (const name of isStopped ? [] : ACCOUNT_DOCUMENTS) {
    try {
      if (await resealDocument(store, name, sealing)) isIdle = false;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      unreadable += 1;
      if (reasons.length < MAX_REASONS) reasons.push(error.message);
    }
  }
  return { lookedAt, sealed, clear, unreadable, reasons, isIdle, isStopped };
}

/** What does not open stays as it is; that the store is away, or busy, is another matter. */
function isUnreadable(error: unknown): error is StoreError {
  return error instanceof StoreError && (error.code === 'WRONG_KEY' || error.code === 'STORE_UNUSABLE');
}

/** What there is to write; `undefined` if all is as it should be. @throws StateError where it does not open */
function rewriteOf(session: ListedSession, sealing: Sealing): Rewrite | undefined {
  const { id, tag, key } = session;
  const stored = session.body as string;
  const text = isSealed(stored) ? sealing.open(id, stored) : stored;
  const newTag = storedProxyTag(text, sealing);
  const newKey = storedAccountKey(text, sealing);
  const isTagRight = newTag === undefined || newTag === tag;
  const isKeyRight = newKey === undefined || newKey === key;
  if (sealing.isCurrent(stored) && isTagRight && isKeyRight) return undefined;
  const rewrite: Rewrite = { id, ifBody: stored, body: sealing.seal(id, text) };
  if (newTag !== undefined) rewrite.tag = newTag;
  if (newKey !== undefined) rewrite.key = newKey;
  return rewrite;
}
