import { checkOptions, number } from '../internal/options.ts';
import type { Transport } from './transport.ts';

export interface ConnectionsOptions {
  /** Milliseconds without a request after which a session's connections are closed. @default 30000 */
  idleMs?: number;
  /** Sessions with open connections at once; beyond it the one idle longest is closed, a busy one never. @default 1000 */
  maxOpen?: number;
}

export const defaultConnectionsOptions = { idleMs: 30_000, maxOpen: 1000 } as const;

const checks = {
  idleMs: number({ min: 1, max: 2 ** 31 - 1 }),
  maxOpen: number({ min: 1, integer: true }),
};

interface Open {
  transport: Transport;
  usedAt: number;
}

/** How many are asked for being idle, at most, to find room for one more. */
const maxLooks = 32;

/**
 * The transports of all sessions of a process: one each, made when it is first asked for, closed when it lies
 * idle. One timer for all of them, which does not keep the process alive.
 */
export class Connections {
  readonly #idleMs: number;
  readonly #maxOpen: number;
  /** In the order of use, the one unused longest first: a Map keeps the order in which keys were put in. */
  readonly #open = new Map<string, Open>();
  #timer: NodeJS.Timeout | undefined;
  readonly #closing = new Set<Promise<void>>();

  constructor(options?: ConnectionsOptions) {
    checkOptions(options, checks, 'connections');
    this.#idleMs = options?.idleMs ?? defaultConnectionsOptions.idleMs;
    this.#maxOpen = options?.maxOpen ?? defaultConnectionsOptions.maxOpen;
  }

  /** Sessions with a transport now. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * The transport of a session, made by `make` if it has none. To be asked for with every fetch and not kept: one
   * that was dropped for being idle is not watched any more.
   */
  for(sessionId: string, make: () => Transport): Transport {
    let entry = this.#open.get(sessionId);
    if (entry) {
      this.#open.delete(sessionId);
      entry.usedAt = performance.now();
    } else {
      if (this.#open.size >= this.#maxOpen) this.#makeRoom();
      entry = { transport: make(), usedAt: performance.now() };
    }
    this.#open.set(sessionId, entry);
    this.#timer ??= setInterval(() => this.#closeIdle(), Math.max(10, this.#idleMs / 4)).unref();
    return entry.transport;
  }

  /** Closes the connections of a session that will not come back; what it has in flight fails. */
  drop(sessionId: string): void {
    const entry = this.#open.get(sessionId);
    if (entry) this.#close(sessionId, entry);
  }

  /** Closes all. Resolves when every connection is closed; may be called twice. */
  async close(): Promise<void> {
    for (const [sessionId, entry] of this.#open) this.#close(sessionId, entry);
    await Promise.all(this.#closing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #makeRoom(): void {
    const now = performance.now();
    let looks = 0;
    for (const [sessionId, entry] of this.#open) {
      if (entry.transport.inFlight === 0) {
        this.#close(sessionId, entry);
        return;
      }
      // Busy is used: to the end with it, so that the next look begins with others. If all are busy, there is one
      // more for a while, rather than a walk over all of them each time.
      this.#open.delete(sessionId);
      entry.usedAt = now;
      this.#open.set(sessionId, entry);
      if (++looks === maxLooks) return;
    }
  }

  #closeIdle(): void {
    const now = performance.now();
    for (const [sessionId, entry] of [...this.#open]) {
      if (now - entry.usedAt < this.#idleMs) break;
      if (entry.transport.inFlight === 0) {
        this.#close(sessionId, entry);
        continue;
      }
      // Idle counts from the end of its use: the busy ones go to the end, and the order stays true.
      this.#open.delete(sessionId);
      entry.usedAt = now;
      this.#open.set(sessionId, entry);
    }
    while (this.#open.size > this.#maxOpen) {
      const before = this.#open.size;
      this.#makeRoom();
      if (this.#open.size === before) break;
    }
  }

  #close(sessionId: string, { transport }: Open): void {
    this.#open.delete(sessionId);
    if (this.#open.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const closed = transport.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
