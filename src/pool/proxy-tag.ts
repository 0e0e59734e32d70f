import { createHash } from 'node:crypto';
import type { SessionProxy } from '../session/identity.ts';
import type { Sealing } from './encryption/sealing.ts';

/**
 * The tag of all sessions behind one proxy, by which a store finds them. With a key nobody can tell from it which proxy
 * it is, or try passwords against it.
 *
 * Without a key it must be no means to guess a password either, wherever it may get to: the password is left out, and
 * proxies that differ in nothing else share a tag (give them an `id`). What is in it stands beside it in clear text.
 */
export function proxyTag(proxy: SessionProxy | undefined, sealing: Sealing | undefined): string | null {
  if (proxy === undefined) return null;
  if (sealing) return sealing.current.column('tag', proxy.id ?? proxy.url);
  return createHash('sha256')
    .update(proxy.id ?? withoutPassword(proxy.url))
    .digest('base64url');
}

/** The same for a body's text; `undefined` where it cannot be known. Also of a body that needs a newer troupe. */
export function storedProxyTag(body: string, sealing: Sealing): string | null | undefined {
  let proxy: unknown;
  try {
    proxy = JSON.parse(body).proxy ?? null;
  } catch {
    return undefined;
  }
  if (proxy === null) return null;
  const { id, url } = proxy as Partial<SessionProxy>;
  if (typeof url !== 'string' || (id !== undefined && typeof id !== 'string')) return undefined;
  return proxyTag(id === undefined ? { url } : { id, url }, sealing);
}

function withoutPassword(url: string): string {
  const parsed = new URL(url);
  parsed.password = '';
  return parsed.href;
}
