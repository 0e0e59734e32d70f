import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { OptionError } from '../../errors.ts';
import { describe } from '../../internal/options.ts';

/** 32 bytes, or the text of a key as `troupe keys new` prints it; a text may hold several, separated by commas. */
export type EncryptionKey = Uint8Array | string;

const KEY_BYTES = 32;
/** Keys of sessions that are kept, the latest: to derive one takes a third of the time of sealing 1 KB. */
const MAX_BODY_KEYS = 1_000;
/** Recognised by people, and by scanners for secrets that were published by mistake. */
const TEXT_PREFIX = 'troupe_key_';
const HINT = '`troupe keys new` makes one';

/**
 * One master key. It encrypts nothing itself: each session, and each purpose, has a key of its own derived from it,
 * because random nonces under one key run out (NIST SP 800-38D, 8.3: 2^32 messages).
 */
export class MasterKey {
  /** Names the key in stores and messages; says nothing about it. */
  readonly id: string;
  /** What HKDF extracts (RFC 5869, 2.2); the key itself is not kept. As an object, whose content nothing prints. */
  readonly #extracted: KeyObject;
  readonly #bodyKeys = new Map<string, KeyObject>();

  constructor(bytes: Uint8Array) {
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(bytes).digest();
    this.#extracted = createSecretKey(extracted);
    extracted.fill(0);
    this.id = this.#derive('troupe key id').toString('hex', 0, 6);
  }

  /** The key of one session's body. */
  bodyKey(sessionId: string): KeyObject {
    const known = this.#bodyKeys.get(sessionId);
    if (known) return known;
    const derived = this.#derive(`troupe body ${sessionId}`);
    const key = createSecretKey(derived);
    derived.fill(0);
    if (this.#bodyKeys.size >= MAX_BODY_KEYS) {
      const [oldest] = this.#bodyKeys.keys();
      this.#bodyKeys.delete(oldest!);
    }
    this.#bodyKeys.set(sessionId, key);
    return key;
  }

  /** A text as a column holds it: the same for the same text, and no guess at it can be checked without the key. */
  column(column: 'key' | 'tag', text: string): string {
    const key = createSecretKey(this.#derive(`troupe column ${column}`));
    return createHmac('sha256', key).update(text).digest('base64url');
  }

  /** HKDF's one step of expansion, which is all that 32 bytes need (RFC 5869, 2.3): a third of the time of `hkdfSync`. */
  #derive(info: string): Buffer {
    return createHmac('sha256', this.#extracted).update(`${info}\x01`).digest();
  }
}

/** A new key, as text. */
export function newKeyText(): string {
  return TEXT_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
}

/**
 * Reads what an option or a variable gives: keys, of which the first seals and all open; none for `null`.
 * @throws OptionError that never shows any of it
 */
export function readKeys(given: unknown, path: string): MasterKey[] {
  if (given === null) return [];
  const keys = Array.isArray(given)
    ? given.flatMap((one, index) => readOne(one, `${path}.${index}`))
    : readOne(given, path);
  if (keys.length === 0) refuse(path, 'at least one key', 'an empty list');
  const repeated = keys.find(({ id }, index) => keys.findIndex((other) => other.id === id) < index);
  if (repeated) throw new OptionError(path, `"${path}" holds the key ${repeated.id} twice`);
  return keys;
}

function readOne(given: unknown, path: string): MasterKey[] {
  if (given instanceof Uint8Array) return [fromBytes(given, path)];
  if (typeof given !== 'string')
    return refuse(path, 'a key of 32 bytes, its text, or a list of keys', describe(given));
  return given.split(',').map((text) => fromText(text.trim(), path));
}

function fromText(text: string, path: string): MasterKey {
  const expected = `the text of a key, "${TEXT_PREFIX}" and 43 characters`;
  if (text === '') refuse(path, expected, 'an empty one');
  if (!text.startsWith(TEXT_PREFIX)) refuse(path, expected, 'a text that begins otherwise');
  const encoded = text.slice(TEXT_PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64url');
  // Node passes over what is not base64url: only what encodes to the same text was read whole.
  if (bytes.toString('base64url') !== encoded || bytes.length !== KEY_BYTES) {
    refuse(path, expected, `one of ${encoded.length} characters that was cut or changed`);
  }
  const key = new MasterKey(bytes);
  bytes.fill(0);
  return key;
}

function fromBytes(bytes: Uint8Array, path: string): MasterKey {
  if (bytes.length !== KEY_BYTES) refuse(path, `${KEY_BYTES} bytes`, `${bytes.length}`);
  return new MasterKey(bytes);
}

function refuse(path: string, expected: string, came: string): never {
  throw new OptionError(path, `"${path}" must be ${expected}; got ${came}; ${HINT}`);
}
