import { StateError, StoreError } from '../../errors.ts';
import type { SessionStore } from '../../stores/store.ts';
import type { Documents } from '../shared-document.ts';
import { isSealed, requireClear, type Sealing } from './sealing.ts';

/**
 * A store's documents, sealed on their way there and opened on their way back where there is a key. For those that hold
 * personal data or a password.
 */
export function sealedDocuments(store: SessionStore, sealing: Sealing | undefined): Documents {
  // What lives in this process alone is nowhere at rest.
  if (store.capabilities.bodies === 'live') return store;
  return {
    async document(name) {
      const stored = await store.document(name);
      return stored && { ...stored, value: opened(name, stored.value, sealing) };
    },
    putDocument: (name, value, ifVersion) =>
      store.putDocument(name, sealing ? sealed(name, value, sealing) : value, ifVersion),
  };
}

/**
 * Seals a document with the current key, if it is not: also one in clear text. Answers whether there was anything to do.
 * @throws StoreError where it does not open
 */
export async function resealDocument(store: SessionStore, name: string, sealing: Sealing): Promise<boolean> {
  for (;;) {
    const stored = await store.document(name);
    if (stored === undefined) return false;
    const text = sealedTextIn(stored.value);
    if (text !== undefined && sealing.isCurrent(text)) return false;
    const clear = text === undefined ? stored.value : opened(name, stored.value, sealing);
    if ((await store.putDocument(name, sealed(name, clear, sealing), stored.version)) !== undefined)
      return true;
  }
}

/** No session has such an id, so that each has a key of its own. */
function keyName(name: string): string {
  return `document ${name}`;
}

/** Documents are JSON: a sealed one is a text. */
function sealed(name: string, value: string, sealing: Sealing): string {
  return JSON.stringify(sealing.seal(keyName(name), value));
}

function opened(name: string, value: string, sealing: Sealing | undefined): string {
  const text = sealedTextIn(value);
  try {
    if (sealing) return sealing.open(keyName(name), text ?? value);
    return text === undefined ? value : requireClear(keyName(name), text);
  } catch (cause) {
    if (!(cause instanceof StateError)) throw cause;
    const message = `the store's ${cause.message.replace(/^session /, '')}`;
    throw new StoreError(cause.code === 'WRONG_KEY' ? 'WRONG_KEY' : 'STORE_UNUSABLE', message, { cause });
  }
}

function sealedTextIn(value: string): string | undefined {
  if (!value.startsWith('"')) return undefined;
  const text: unknown = JSON.parse(value);
  return typeof text === 'string' && isSealed(text) ? text : undefined;
}
