import { StoreError } from '../../errors.ts';
import type { SessionStore } from '../../stores/store.ts';
import type { Sealing } from './sealing.ts';

const DOCUMENT = 'encryption';
const VERSION = 1;

/** What all pools of a sealed store agree on: which keys its bodies may be sealed with. Never a key itself. */
export interface Agreement {
  /** Their ids. */
  readonly keys: readonly string[];
  /** It is being sealed for the first time: some bodies are still in clear text, and no pool may use it. */
  readonly isPartlyClear: boolean;
  /** Of the document; 0: there is none. */
  readonly version: number;
}

/** @throws StoreError `STORE_UNUSABLE` where the document is not ours to understand */
export async function readAgreement(store: SessionStore): Promise<Agreement | undefined> {
  const stored = await store.document(DOCUMENT);
  if (stored === undefined) return undefined;
  const value = parsed(stored.value);
  const { version, keys, isPartlyClear } = (value ?? {}) as Record<string, unknown>;
  if (typeof version === 'number' && version > VERSION) {
    throw new StoreError('STORE_UNUSABLE', 'the store was sealed by a newer troupe; update troupe');
  }
  const isOurs =
    version === VERSION && Array.isArray(keys) && keys.every((id) => /^[0-9a-f]{12}$/.test(String(id)));
  if (!isOurs || keys.length === 0) {
    throw new StoreError('STORE_UNUSABLE', `the store's document "${DOCUMENT}" is damaged`);
  }
  return { keys, isPartlyClear: isPartlyClear === true, version: stored.version };
}

/** Writes it over the one that was read. Answers whether nobody else was faster. */
export async function writeAgreement(
  store: SessionStore,
  { version, ...agreed }: Agreement,
): Promise<boolean> {
  const value = JSON.stringify({ version: VERSION, ...agreed });
  return (await store.putDocument(DOCUMENT, value, version)) !== undefined;
}

/**
 * Finds out, before a pool uses a store, whether it may: all of its keys are needed, or none where it is not sealed.
 * The first pool with a key seals an empty store; one that seals with a key of which the others do not know adds it.
 * @throws StoreError `WRONG_KEY`; nothing was written
 */
export async function agreeOnKeys(store: SessionStore, sealing: Sealing | undefined): Promise<void> {
  for (;;) {
    const agreement = await readAgreement(store);
    if (agreement === undefined) {
      if (sealing === undefined) return;
      const { living, places, dead } = await store.count();
      if (living + places + dead > 0) {
        throw wrongKey(
          'the store is not sealed, and holds sessions in clear text: stop what uses it and seal it with `troupe keys rotate`, or give no encryption key',
        );
      }
      if (await writeAgreement(store, { keys: [sealing.current.id], isPartlyClear: false, version: 0 }))
        return;
      continue;
    }
    requireKeys(agreement, sealing);
    if (agreement.isPartlyClear) {
      throw wrongKey('the store is being sealed, which is not done: run `troupe keys rotate` to its end');
    }
    const { keys } = agreement;
    if (keys.includes(sealing.current.id)) return;
    if (await writeAgreement(store, { ...agreement, keys: [sealing.current.id, ...keys] })) return;
  }
}

/** @throws StoreError `WRONG_KEY` where one that is in use is not given */
export function requireKeys({ keys }: Agreement, sealing: Sealing | undefined): asserts sealing is Sealing {
  const needed = `the store is sealed with the key${keys.length > 1 ? 's' : ''} ${keys.join(' and ')}`;
  if (sealing === undefined) {
    throw wrongKey(`${needed}; give it as TROUPE_KEY, or with the option encryptionKey`);
  }
  const given = sealing.keys.map(({ id }) => id);
  if (keys.every((id) => given.includes(id))) return;
  throw wrongKey(`${needed}; given ${given.length > 1 ? 'are' : 'is'} ${given.join(' and ')}`);
}

function wrongKey(message: string): StoreError {
  return new StoreError('WRONG_KEY', message);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
