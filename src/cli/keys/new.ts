import { newKeyText } from '../../pool/encryption/keys.ts';
import { print } from '../print.ts';

/** Prints the key and nothing else: for `$(troupe keys new)`. */
export function newKey(): Promise<void> {
  return print([newKeyText()]);
}
