import type { Session } from '../session/session.ts';
import type { Connections } from '../transport/connections.ts';
import type { Transport } from '../transport/transport.ts';

/** The connections of a pool's sessions: each has its own, and keeps them between uses. Loaded with the first fetch. */
export class PoolConnections {
  readonly #options: { maxOpen: number; timeoutMs: number };
  #loaded: Promise<(session: Session) => Transport> | undefined;
  #connections: Connections | undefined;

  constructor(options: { maxOpen: number; timeoutMs: number }) {
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
    const [{ Connections }, { transportFor }] = await Promise.all([
      import('../transport/connections.ts'),
      import('../session/fetch.ts'),
    ]);
    const connections = new Connections({ maxOpen: this.#options.maxOpen });
    this.#connections = connections;
    const { timeoutMs } = this.#options;
    return (session) => connections.for(session.id, () => transportFor(session, timeoutMs));
  }
}
