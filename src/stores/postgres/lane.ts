import { type PostgresClient, type PostgresQuery, types } from './postgres-driver.ts';
import { breaksConnection, isInTheWay } from './postgres-errors.ts';

export interface Statement {
  /** Prepared under this name, once a connection. */
  readonly name: string;
  readonly text: string;
}

/** A connection that is not needed for so long goes back to its pool. */
const KEPT_MS = 100;
const MAX_TRIES = 8;

/** Where a lane gets connections, and what it makes of errors. */
interface ConnectionSource {
  connect(): Promise<PostgresClient>;
  error(error: unknown): Error;
}

/**
 * A way to the server for one kind of statement after the other, which keeps its connection as long as there is work: to
 * take one out of the pool and put it back costs a fifth of a small statement.
 */
export class Lane {
  readonly #source: ConnectionSource;
  readonly #timeoutMs: number;
  #client: PostgresClient | undefined;
  #isBusy = false;
  #isBroken = false;
  /** One timer for all: set again with each statement. */
  readonly #deadline: NodeJS.Timeout;
  readonly #idle: NodeJS.Timeout;
  #fail: ((error: Error) => void) | undefined;

  constructor(source: ConnectionSource, timeoutMs: number) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
    this.#deadline = setTimeout(this.#onDeadline, timeoutMs).unref();
    this.#idle = setTimeout(this.#onIdle, KEPT_MS).unref();
  }

  /** One at a time. Rows as arrays. */
  async run({ name, text }: Statement, values: unknown[]): Promise<unknown[][]> {
    const query = { name, text, values, rowMode: 'array', types } as const;
    this.#isBusy = true;
    try {
      for (let attempt = 1; ; attempt++) {
        this.#client ??= await this.#connect();
        try {
          const { rows } = await this.#answer(this.#client, query);
          return rows as unknown[][];
        } catch (error) {
          if (this.#isBroken || breaksConnection(error)) this.#letGo(true);
          if (!isInTheWay(error) || attempt === MAX_TRIES) throw this.#source.error(error);
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** attempt));
      }
    } finally {
      this.#isBusy = false;
      this.#idle.refresh();
    }
  }

  close(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#idle);
    this.#letGo(false);
  }

  async #connect(): Promise<PostgresClient> {
    const client = await this.#source.connect();
    client.on('error', this.#onError);
    return client;
  }

  #answer(client: PostgresClient, query: PostgresQuery): Promise<{ rows: unknown[] }> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#deadline.refresh();
      client.query(query).then(resolve, reject);
    });
  }

  readonly #onDeadline = (): void => {
    if (!this.#isBusy) return;
    this.#isBroken = true;
    const error = new Error(`no answer within ${this.#timeoutMs} ms`);
    this.#fail?.(Object.assign(error, { code: 'ETIMEDOUT' }));
  };

  readonly #onIdle = (): void => {
    if (!this.#isBusy) this.#letGo(false);
  };

  readonly #onError = (): void => {
    this.#isBroken = true;
    if (!this.#isBusy) this.#letGo(true);
  };

  #letGo(isBroken: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.removeListener('error', this.#onError);
    client.release(isBroken || this.#isBroken);
    this.#isBroken = false;
  }
}
