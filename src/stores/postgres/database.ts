import { StoreError } from '../../errors.ts';
import { Lane } from './lane.ts';
import { migrate } from './migrate.ts';
import type { Place } from './place.ts';
import {
  type OwnPool,
  type PostgresClient,
  type PostgresPool,
  queryOf,
  type Statement,
} from './postgres-driver.ts';
import { breaksConnection, codeOf, isInTheWay, toStoreError } from './postgres-errors.ts';

/** A server that answers nothing for so long is taken for one that is away. */
const ANSWER_TIMEOUT_MS = 5000;
/** For what may take long by its size. */
export const LONG_TIMEOUT_MS = 60_000;
const MAX_TRIES = 8;
/** What a statement that took longer than its `statement_timeout` ends with. */
const CANCELLED = '57014';

/** Runs statements on the connections of a pool, each in a transaction of its own. Opened by the first. */
export class Database {
  readonly #place: Place;
  #opening: Promise<PostgresPool> | undefined;
  #own: OwnPool | undefined;
  #isClosed = false;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #lanes: Lane[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Rows as arrays. Deadlocks and the like are tried again; whatever else goes wrong becomes a StoreError. */
  run(statement: Statement, values: unknown[], timeoutMs = ANSWER_TIMEOUT_MS): Promise<unknown[][]> {
    return this.#track(this.#again(() => this.#run(statement, values, timeoutMs)));
  }

  /** The same, and `undefined` if the server is not done with it after so long: then nothing was written. */
  runBriefly(ms: number, statement: Statement, values: unknown[]): Promise<unknown[][] | undefined> {
    return this.#track(this.#again(() => this.#runBriefly(ms, statement, values)));
  }

  /** The same over a lane, for one kind of statement that follows the other. */
  lane(): (statement: Statement, values: unknown[]) => Promise<unknown[][]> {
    const lane = new Lane(this, ANSWER_TIMEOUT_MS);
    this.#lanes.push(lane);
    return (statement, values) =>
      this.#isClosed
        ? Promise.reject(this.#closed())
        : this.#track(this.#again(() => lane.run(statement, values)));
  }

  #track<T>(running: Promise<T>): Promise<T> {
    this.#underWay.add(running);
    const done = () => this.#underWay.delete(running);
    running.then(done, done);
    return running;
  }

  async open(): Promise<void> {
    await this.#pool();
  }

  /** A connection for somebody who keeps it; to be given back with `release`. */
  async connect(): Promise<PostgresClient> {
    const pool = await this.#pool();
    try {
      return await within(ANSWER_TIMEOUT_MS, pool.connect(), (late) => late.release());
    } catch (error) {
      throw this.error(error);
    }
  }

  /** Runs a statement on a connection that the caller keeps. */
  async over(client: PostgresClient, statement: Statement, values: unknown[]): Promise<void> {
    await within(ANSWER_TIMEOUT_MS, client.query(queryOf(statement, values)));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#opening?.catch(() => {});
    for (const lane of this.#lanes) lane.close();
    const own = this.#own;
    this.#own = undefined;
    await own?.end();
  }

  /** Where others were in the way, nothing was written, and a little later they may be gone. */
  async #again<T>(run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (!isInTheWay(error) || attempt === MAX_TRIES) throw this.error(error);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** attempt));
    }
  }

  async #run(statement: Statement, values: unknown[], timeoutMs: number): Promise<unknown[][]> {
    const { rows } = await this.#lend((client) =>
      within(timeoutMs, client.query(queryOf(statement, values))),
    );
    return rows as unknown[][];
  }

  #runBriefly(ms: number, statement: Statement, values: unknown[]): Promise<unknown[][] | undefined> {
    return this.#lend(async (client) => {
      await within(ANSWER_TIMEOUT_MS, client.query(`begin; set local statement_timeout = ${ms}`));
      try {
        const { rows } = await within(ANSWER_TIMEOUT_MS, client.query(queryOf(statement, values)));
        await within(ANSWER_TIMEOUT_MS, client.query('commit'));
        return rows as unknown[][];
      } catch (error) {
        if (breaksConnection(error)) throw error;
        await within(ANSWER_TIMEOUT_MS, client.query('rollback'));
        if (codeOf(error) !== CANCELLED) throw error;
        return undefined;
      }
    });
  }

  /** A connection for as long as the work takes; one that broke does not go back. */
  async #lend<T>(work: (client: PostgresClient) => Promise<T>): Promise<T> {
    const client = await this.connect();
    let isBroken = false;
    const onError = () => {
      isBroken = true;
    };
    // While it is lent out, an error of the connection itself is ours to hear.
    client.on('error', onError);
    try {
      return await work(client);
    } catch (error) {
      isBroken ||= breaksConnection(error);
      throw error;
    } finally {
      client.removeListener('error', onError);
      client.release(isBroken);
    }
  }

  #pool(): Promise<PostgresPool> {
    if (this.#isClosed) return Promise.reject(this.#closed());
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw this.error(error);
    });
    return this.#opening;
  }

  async #open(): Promise<PostgresPool> {
    const { pool, own } = await this.#place.openPool();
    try {
      const client = await within(ANSWER_TIMEOUT_MS, pool.connect(), (late) => late.release());
      let isBroken = true;
      const onError = () => {};
      client.on('error', onError);
      try {
        await within(LONG_TIMEOUT_MS, migrate(client, this.#place));
        isBroken = false;
      } finally {
        client.removeListener('error', onError);
        client.release(isBroken);
      }
    } catch (error) {
      await own?.end();
      throw error;
    }
    this.#own = own;
    return pool;
  }

  #closed(): StoreError {
    return new StoreError(
      'STORE_CLOSED',
      `the store on PostgreSQL at ${this.#place.where} is closed; open a new one`,
    );
  }

  /** As a caller of the store gets it. */
  error(error: unknown): Error {
    return toStoreError(error, this.#place.where);
  }
}

/** Rejects when it takes too long; what comes after that is handed to `late`. */
async function within<T>(ms: number, promise: Promise<T>, late?: (value: T) => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(Object.assign(new Error(`no answer within ${ms} ms`), { code: 'ETIMEDOUT' }));
    }, ms);
  });
  promise.then(
    (value) => {
      if (isLate) late?.(value);
    },
    () => {},
  );
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
