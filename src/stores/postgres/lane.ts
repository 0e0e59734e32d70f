import { type PostgresClient, type PostgresQuery, queryOf, type Statement } from './postgres-driver.ts';
import { breaksConnection } from './postgres-errors.ts';

/** A connection that is not needed for so long goes back to its pool. */
const KEPT_MS = 100;

/** Where a lane gets connections. */
interface ConnectionSource {
  connect(): Promise<PostgresClient>;
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
  async run(statement: Statement, values: unknown[]): Promise<unknown[][]> {
    this.#isBusy = true;
    try {
      this.#client ??= await this.#connect();
      const { rows } = await this.#answer(this.#client, queryOf(statement, values));
      return rows as unknown[][];
    } catch (error) {
      if (this.#isBroken || breaksConnection(error)) this.#letGo(true);
      throw error;
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
