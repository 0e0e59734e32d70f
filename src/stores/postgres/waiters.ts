import { randomUUID } from 'node:crypto';
import type { Database } from './database.ts';
import type { PostgresClient } from './postgres-driver.ts';
import type { Statements } from './statements.ts';

/** A waiter says so often that it still waits, and looks for itself: a notification may be lost with its sender. */
const HEARTBEAT_MS = 1000;
/** One who is silent for so long waits no more. */
const REGISTERED_MS = 5000;
/** Somebody's release may have looked for waiters just before this one was registered, and be committed after. */
const SECOND_LOOK_MS = 100;
/** The connection is kept so long after the last one stopped waiting. */
const LINGER_MS = 1000;
const MAX_BACKOFF_MS = 2000;
/** To notify takes a lock that all who notify share, so it is done once for all releases of a moment. */
const NOTIFY_GAP_MS = 2;

/**
 * Wakes who waits in other processes, and who waits here. Nobody is notified unless somebody has registered: ordinary
 * releases only look into a table that is empty.
 */
export class Waiters {
  /** This store among all that share the schema. */
  readonly me = randomUUID();
  readonly #database: Database;
  readonly #sql: Statements;
  readonly #onWake: () => void;
  readonly #channel: string;
  readonly #listeners = new Set<() => void>();
  #isConnecting = false;
  #client: PostgresClient | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  #backoffMs = 0;
  #isNotifying = false;
  #isNotifyNeeded = false;
  #isClosed = false;

  /** `onWake` is called before the listeners are. */
  constructor(database: Database, sql: Statements, schema: string, onWake: () => void) {
    this.#database = database;
    this.#sql = sql;
    this.#onWake = onWake;
    this.#channel = `troupe:${schema}`;
  }

  add(listener: () => void): () => void {
    // An object of its own, so that the same function may listen twice.
    const entry = () => listener();
    this.#listeners.add(entry);
    clearTimeout(this.#linger);
    if (this.#client === undefined) void this.#connect();
    return () => {
      if (!this.#listeners.delete(entry) || this.#listeners.size > 0) return;
      this.#linger = setTimeout(() => this.#letGo(), LINGER_MS).unref();
    };
  }

  /** Tells the others soon, if there are any. */
  notify(): void {
    this.#isNotifyNeeded = true;
    if (!this.#isNotifying && !this.#isClosed) void this.#notifyAll();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    clearTimeout(this.#linger);
    await this.#letGo();
  }

  async #notifyAll(): Promise<void> {
    this.#isNotifying = true;
    while (this.#isNotifyNeeded && !this.#database.isClosed) {
      this.#isNotifyNeeded = false;
      // Who waits looks for himself each second, should it fail.
      await this.#database.run(this.#sql.notify, [this.#channel, this.me]).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, NOTIFY_GAP_MS));
    }
    this.#isNotifying = false;
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    while (this.#client === undefined && this.#listeners.size > 0 && !this.#database.isClosed) {
      if (this.#backoffMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#backoffMs).unref());
      this.#backoffMs = Math.min(MAX_BACKOFF_MS, 100 + this.#backoffMs * 2);
      try {
        this.#client = await this.#listen();
        this.#backoffMs = 0;
      } catch {
        // The calls of the store say what is wrong with the server.
      }
    }
    this.#isConnecting = false;
    if (this.#client === undefined) return;
    if (this.#listeners.size === 0) await this.#letGo();
    else {
      this.#wake();
      setTimeout(this.#wake, SECOND_LOOK_MS).unref();
    }
  }

  async #listen(): Promise<PostgresClient> {
    const client = await this.#database.connect();
    const onNotification = (message: { channel: string; payload?: string }) => {
      if (message.channel === this.#channel && message.payload !== this.me) this.#wake();
    };
    const end = () => {
      client.removeListener('notification', onNotification);
      if (this.#client !== client) return;
      this.#client = undefined;
      clearInterval(this.#heartbeat);
      client.release(true);
      void this.#connect();
    };
    client.on('error', end);
    client.on('notification', onNotification);
    try {
      await client.query(`listen "${this.#channel}"`);
      await this.#register();
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#heartbeat = setInterval(() => {
      // Over the connection itself: so one that hangs is found, too.
      const beat = this.#database.over(client, this.#sql.wait, [this.me, REGISTERED_MS]);
      beat.then(this.#wake, end);
    }, HEARTBEAT_MS).unref();
    return client;
  }

  async #register(): Promise<void> {
    await this.#database.run(this.#sql.wait, [this.me, REGISTERED_MS]);
  }

  async #letGo(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    clearInterval(this.#heartbeat);
    if (client === undefined) return;
    // A connection that listens must not go back into the pool.
    client.release(true);
    if (!this.#database.isClosed) await this.#database.run(this.#sql.stopWaiting, [this.me]).catch(() => {});
  }

  readonly #wake = (): void => {
    this.#onWake();
    for (const listener of this.#listeners) listener();
  };
}
