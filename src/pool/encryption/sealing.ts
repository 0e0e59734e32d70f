import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { StateError } from '../../errors.ts';
import type { MasterKey } from './keys.ts';

/** What a sealed body begins with. A body in clear text is JSON and begins with `{`. */
const MARK = 'troupe-sealed:';
const VERSION = '1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals bodies with the first of some keys, and opens what any of them has sealed. Never falls back to clear text.
 *
 * A sealed body is `troupe-sealed:1:<key id>:<base64url of nonce, ciphertext and tag>`, by AES-256-GCM with a key of
 * the session's own. All that stands in front, and the session's id, is authenticated with it: a body that was cut,
 * changed or moved to another session does not open.
 */
export class Sealing {
  readonly keys: readonly [MasterKey, ...MasterKey[]];

  constructor(keys: readonly [MasterKey, ...MasterKey[]]) {
    this.keys = keys;
  }

  get current(): MasterKey {
    return this.keys[0];
  }

  seal(sessionId: string, text: string): string {
    const head = headOf(this.current);
    // Drawn each time, and not from a stock: a process that was started twice from one snapshot would use it twice.
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.current.bodyKey(sessionId), nonce);
    cipher.setAAD(Buffer.from(head + sessionId));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return head + sealed.toString('base64url');
  }

  /** @throws StateError `WRONG_KEY`, `STATE_TOO_NEW`, or `INVALID_STATE` where it was tampered with */
  open(sessionId: string, stored: string): string {
    const keyId = sealedWith(sessionId, stored);
    if (keyId === undefined) {
      const message = `session ${sessionId} is stored in clear text, which a pool with an encryption key does not read; \`troupe keys rotate\` seals it`;
      throw new StateError('WRONG_KEY', 'body', message);
    }
    const key = this.keys.find(({ id }) => id === keyId);
    if (key === undefined) {
      const known = this.keys.map(({ id }) => id).join(', ');
      const message = `session ${sessionId} is sealed with the key ${keyId}, which is not among those given (${known})`;
      throw new StateError('WRONG_KEY', 'body', message);
    }
    const head = headOf(key);
    try {
      const sealed = Buffer.from(stored.slice(head.length), 'base64url');
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key.bodyKey(sessionId), nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(head + sessionId));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8');
      return text + decipher.final('utf8');
    } catch {
      const message = `session ${sessionId} does not open with its key ${keyId}: what is stored was cut, changed, or is another session's`;
      throw new StateError('INVALID_STATE', 'body', message);
    }
  }

  /** Whether it was sealed with the key that seals now. */
  isCurrent(stored: string): boolean {
    return stored.startsWith(headOf(this.current));
  }
}

/**
 * A body that must not be sealed, since there is no key.
 * @throws StateError `WRONG_KEY`, or `STATE_TOO_NEW`
 */
export function requireClear(sessionId: string, stored: string): string {
  const keyId = sealedWith(sessionId, stored);
  if (keyId === undefined) return stored;
  const message = `session ${sessionId} is sealed with the key ${keyId}, and this pool has no encryption key`;
  throw new StateError('WRONG_KEY', 'body', message);
}

export function isSealed(stored: string): boolean {
  return stored.startsWith(MARK);
}

/** The id of the key that sealed it; `undefined` for clear text. */
function sealedWith(sessionId: string, stored: string): string | undefined {
  if (!isSealed(stored)) return undefined;
  const [version, keyId = ''] = stored.slice(MARK.length, MARK.length + 64).split(':', 2);
  if (version === VERSION) return keyId;
  const message = `session ${sessionId} was sealed by a newer troupe (form ${printable(version)}); update troupe`;
  throw new StateError('STATE_TOO_NEW', 'body', message);
}

function headOf(key: MasterKey): string {
  return `${MARK}${VERSION}:${key.id}:`;
}

/** What a store holds may have been written by anybody. */
function printable(text = ''): string {
  return text.slice(0, 16).replace(/[^\w.-]/g, '?');
}
