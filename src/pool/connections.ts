import type { Session } from '../session/session.ts';
import type { Connections } from '../transport/connections.ts';
import type { Transport } from '../transport/transport.ts';

export interface PoolConnectionsOptions {
  readonly maxOpen: number;
  readonly timeoutMs: number;
  readonly transport: 'undici' | 'impit';
}

/** The connections of a pool's sessions: each has its own, and keeps them between uses. Loaded with the first fetch. */
export class PoolConnections {
  readonly #options: PoolConnectionsOptions;
  #loaded: Promise<(session: Session) => Transport> | undefined;
  #connections: Connections | undefined;

  constructor(options: PoolConnectionsOptions) {
    this.#options = options;
  }

  async for(session: Session): Promise<Transport> {
    this.#loaded ??= this.#load();
    return (await this.#loaded)(session);
  }

  /** The session will not come back. */
  drop(sessionId: string): void {
    this.#connections?.drop(sessionId);
  }

  async close(): Promise<void> {
    await this.#connections?.close();
  }

  async #load(): Promise<(session: Session) => Transport> {
    const { maxOpen, timeoutMs, transport: name } = this.#options;
    const [{ Connections }, { transportFor }, impit] = await Promise.all([
      import('../transport/connections.ts'),
      import('../session/fetch.ts'),
      name === 'impit'
        ? import('../transport/impit-package.ts').then(({ loadImpit }) => loadImpit())
        : undefined,
    ]);
    const connections = new Connections({ maxOpen });
    this.#connections = connections;
    /** As which browser each transport appears, and through which proxy: where either was changed, here or elsewhere, it starts anew. */
    const identities = new WeakMap<Transport, string>();
    return (session) => {
      const { proxy, fingerprint } = session;
      const identity = `${proxy?.url ?? ''} ${fingerprint?.userAgent ?? ''}`;
      const make = () => {
        const transport = transportFor(session, { timeoutMs, impit });
        identities.set(transport, identity);
        return transport;
      };
      const transport = connections.for(session.id, make);
      if (identities.get(transport) === identity) return transport;
      connections.drop(session.id);
      return connections.for(session.id, make);
    };
  }
}
