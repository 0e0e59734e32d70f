import { createHmac, randomBytes } from 'node:crypto';
import type { SessionProxy } from '../../session/identity.ts';
import type { Sealing } from '../encryption/sealing.ts';
import type { SharedDocument } from '../shared-document.ts';
import type { ProxyDocument } from './proxy-document.ts';

/**
 * The tags of sessions, by which a store finds all those behind one proxy. Proxies that differ in their password alone
 * have tags of their own; those with an `id` keep theirs whatever else changes.
 *
 * A tag must be no means to guess a password, wherever it may get to (lists, dumps of a table, a message). It is an HMAC:
 * with the encryption key where there is one; else with random bytes that lie in the store, once for all who use it. Who
 * has those has the bodies as well, where the password stands in clear text.
 */
export class ProxyTags {
  readonly #sealing: Sealing | undefined;
  readonly #document: SharedDocument<ProxyDocument>;
  #salt: string | undefined;

  constructor(sealing: Sealing | undefined, document: SharedDocument<ProxyDocument>) {
    this.#sealing = sealing;
    this.#document = document;
  }

  /** Whether {@link of} can be called: else after {@link load}. */
  get isReady(): boolean {
    return this.#sealing !== undefined || this.#salt !== undefined;
  }

  async load(): Promise<void> {
    if (this.isReady) return;
    const { salt } = await this.#document.change((document) =>
      document.salt === undefined ? { ...document, salt: randomBytes(32).toString('base64url') } : document,
    );
    this.#salt = salt;
  }

  of(proxy: Pick<SessionProxy, 'id' | 'url'>): string {
    if (this.#sealing) return sealedTag(proxy, this.#sealing);
    if (this.#salt === undefined) throw new Error('the tags of proxies are not loaded');
    return createHmac('sha256', this.#salt).update(named(proxy)).digest('base64url');
  }
}

/** The tag for a body's text; `undefined` where it cannot be known. Also of a body that needs a newer troupe. */
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
  return sealedTag(id === undefined ? { url } : { id, url }, sealing);
}

function sealedTag(proxy: Pick<SessionProxy, 'id' | 'url'>, sealing: Sealing): string {
  return sealing.current.column('tag', named(proxy));
}

function named({ id, url }: Pick<SessionProxy, 'id' | 'url'>): string {
  return id ?? url;
}
