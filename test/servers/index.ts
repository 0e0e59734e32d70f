import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';

/** The servers of this run (`setup.ts`); empty where one is not installed, and then its tests are skipped with `describe.skipIf`. */
export const redisUrl = inject('redisUrl');
export const postgresUrl = inject('postgresUrl');
/** Real proxies: squid, tinyproxy, and microsocks for SOCKS5. Others use them too: a test that stops one starts its own. */
export const proxies = inject('proxies');

/** A name that no other test has: of a pool in Redis, or of a schema in PostgreSQL. */
export function uniqueName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}
