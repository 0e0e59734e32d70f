import { createHash } from 'node:crypto';
import { type Session, sessionInternals } from '../../session/session.ts';
import type { SessionStore } from '../../stores/store.ts';
import { sealedDocuments } from '../encryption/sealed-documents.ts';
import type { Sealing } from '../encryption/sealing.ts';
import { type Documents, SharedDocument } from '../shared-document.ts';
import { type AccountRecord, type AccountRecords, NEW_RECORD, parseRecords } from './record.ts';

/**
 * Records share documents, by the first byte of a hash of the account's id. With 10 000 accounts some 40 share one (60 KB with
 * their devices), so that a login writes little and workers seldom meet; and all can be found without a list of them.
 */
const BUCKETS = 256;

/** The names of all documents that records may be in. */
export const ACCOUNT_DOCUMENTS: readonly string[] = Array.from({ length: BUCKETS }, (_, index) =>
  documentName(index),
);

/** What a store knows of accounts: a record each, which all processes change together. */
export class AccountBook {
  readonly #documents: Documents;
  readonly #buckets = new Map<string, SharedDocument<AccountRecords>>();

  /** @param sealing what seals the records, if there is a key: they hold user names, and a proxy's password */
  constructor(store: SessionStore, sealing: Sealing | undefined) {
    this.#documents = sealedDocuments(store, sealing);
  }

  /** As it is stored, or was no longer than `maxAgeMs` ago; a fresh one where there is none. */
  async read(id: string, maxAgeMs = 0): Promise<AccountRecord> {
    return recordIn(await this.#bucketOf(id).read(maxAgeMs), id) ?? NEW_RECORD;
  }

  /**
   * Changes a record, durably and on top of what others wrote: `change` may be called several times. `null` removes it;
   * the very same record, or `undefined`, leaves it. It is given `undefined` where there is none.
   */
  async change(
    id: string,
    change: (record: AccountRecord | undefined) => AccountRecord | null | undefined,
  ): Promise<void> {
    await this.#bucketOf(id).change((records) => {
      const before = recordIn(records, id);
      const after = change(before);
      if (after === undefined || after === before) return records;
      if (after !== null) return { ...records, [id]: after };
      if (before === undefined) return records;
      return Object.fromEntries(Object.entries(records).filter(([other]) => other !== id));
    });
  }

  /** A session came from elsewhere, logged in already. */
  async adopt(session: Session): Promise<void> {
    const { account, id: sessionId, fingerprint = null } = session;
    if (account === undefined) return;
    // As it was given, not with the user's own word in it.
    const { proxy = null } = sessionInternals.body(session);
    await this.change(account, (record = NEW_RECORD) => ({ ...record, sessionId, proxy, fingerprint }));
  }

  /** All that there are, in the order of their ids. */
  async all(): Promise<[id: string, record: AccountRecord][]> {
    const buckets = await Promise.all(ACCOUNT_DOCUMENTS.map((name) => this.#bucket(name).read()));
    return buckets
      .flatMap((records) => Object.entries(records))
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  #bucketOf(id: string): SharedDocument<AccountRecords> {
    return this.#bucket(documentName(createHash('sha256').update(id).digest()[0]!));
  }

  #bucket(name: string): SharedDocument<AccountRecords> {
    let bucket = this.#buckets.get(name);
    if (!bucket) {
      bucket = new SharedDocument(this.#documents, name, parseRecords);
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }
}

/** An id may be any text, also the name of something that every object has. */
function recordIn(records: AccountRecords, id: string): AccountRecord | undefined {
  return Object.hasOwn(records, id) ? records[id] : undefined;
}

function documentName(bucket: number): string {
  return `accounts:${bucket.toString(16).padStart(2, '0')}`;
}
