import { StoreError } from '../../errors.ts';
import { LAYOUT_VERSION } from './pieces/start.ts';
import { OLDEST_REDIS, readServerFacts } from './server-facts.ts';

const warned = new Set<string>();

/**
 * Refuses a server on which sessions could be lost or scripts fail: one that is too old, or one that evicts keys when
 * its memory is full. Warns of one that forgets when it stops. `info`: its answer to INFO; what it does not tell is not
 * complained of.
 */
export function checkServer(info: string, where: string): void {
  const { version, isTooOld, evictionPolicy, hasAppendOnlyFile } = readServerFacts(info);
  if (isTooOld) {
    throw new StoreError(
      'STORE_UNUSABLE',
      `${where} is Redis ${version}; at least ${OLDEST_REDIS.join('.')} is needed`,
    );
  }
  if (evictionPolicy !== undefined) {
    throw new StoreError(
      'STORE_UNUSABLE',
      `${where} evicts keys when its memory is full, and would lose sessions: set its "maxmemory-policy" to "noeviction"; it is "${evictionPolicy}"`,
    );
  }
  if (hasAppendOnlyFile === false && !warned.has(where)) {
    warned.add(where);
    process.emitWarning(
      `${where} keeps no append-only file: what was saved since its last snapshot is lost when it stops. Set "appendonly yes", unless you can do without.`,
      { type: 'TroupeWarning', code: 'TROUPE_REDIS_NOT_DURABLE' },
    );
  }
}

/** `found`: what the script `open` answered: the version of the data, or the name of a foreign key. */
export function checkLayout(found: unknown, where: string): void {
  if (found === '32 bits') {
    throw new StoreError('STORE_UNUSABLE', `${where} is a 32-bit build of Redis; one with 64 bits is needed`);
  }
  if (typeof found === 'string') {
    throw new StoreError(
      'STORE_UNUSABLE',
      `${where} has something else than troupe's data under the key "${found}"; choose another pool name`,
    );
  }
  if (Number(found) > LAYOUT_VERSION) {
    throw new StoreError(
      'STORE_UNUSABLE',
      `the pool on ${where} was written by a newer troupe (layout ${found}, this one knows ${LAYOUT_VERSION}); update troupe`,
    );
  }
}
