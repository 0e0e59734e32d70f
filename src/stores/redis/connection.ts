import { StoreError } from '../../errors.ts';
import { OpenCalls } from './calls.ts';
import { checkLayout, checkServer } from './checks.ts';
import { loadRedis, type RedisClient, type RedisCluster, type RedisConnection, senderOf } from './client.ts';
import { LAYOUT_VERSION } from './pieces/start.ts';
import { isAuthError, replyCode, stalled, toStoreError, unavailable } from './redis-errors.ts';
import { type Script, scripts } from './scripts.ts';

/** The first connection may take longer, as long as nothing went wrong: the client is loaded, the server perhaps busy. */
const FIRST_CONNECT_MS = 10_000;
/** A call made while the server is away waits so long for it to come back. */
const RECONNECT_MS = 2000;
/** A call that was sent is given up after so long without an answer. */
const ANSWER_MS = 5000;
/** After so long without any answer the connection itself is given up: it may be dead without knowing. */
const DEAD_MS = 15_000;
const LOOK_MS = 250;
const LONGEST_PAUSE_MS = 1000;

export interface ConnectionOptions {
  /** Of a client of our own. */
  url?: string | undefined;
  /** Handed in: used, and left open. */
  client?: RedisClient | RedisCluster | undefined;
  keys: readonly string[];
  /** The server's name in messages, without credentials. */
  where: string;
}

/**
 * Runs scripts on the server. Opens on the first call, connects again by itself, and lets no call hang: what is not
 * answered in time fails with `STORE_UNAVAILABLE`.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  /** What a command begins with: the same for each call of a script. */
  readonly #heads = new Map<Script, string[]>();
  readonly #calls = new OpenCalls();
  /** Called when the server may be there again. */
  readonly #awaiting = new Set<() => void>();
  #client: RedisClient | RedisCluster | undefined;
  #sendCommand: (args: string[]) => Promise<unknown> = () => Promise.reject(new Error('not open'));
  #opening: Promise<void> | undefined;
  #isChecked = false;
  #wasOpen = false;
  /** A call was given up, and nothing was heard since: what is sent now would only pile up. */
  #isStalled = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #lastError: unknown;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Connects and checks the server. */
  async open(): Promise<void> {
    if (!this.#isUsable) await this.#whenUsable();
  }

  /** `onLate` gets an answer that came after the call had failed. */
  run(script: Script, args: readonly string[], onLate?: (reply: unknown) => void): Promise<unknown> {
    if (this.#isUsable) return this.#send(script, args, onLate);
    return this.#whenUsable().then(() => this.#send(script, args, onLate));
  }

  /** A plain command. */
  async command(args: string[]): Promise<unknown> {
    if (!this.#isUsable) await this.#whenUsable();
    return this.#track(this.#sendCommand(args));
  }

  /** Another connection to the same server, not connected yet. */
  async duplicate(): Promise<RedisConnection> {
    await this.open();
    return this.#client!.duplicate({ disableOfflineQueue: false });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tell();
    await this.#calls.quiet();
    this.#drop();
  }

  get #isUsable(): boolean {
    return this.#isChecked && !this.#isStalled && !this.#isClosed && this.#client!.isReady;
  }

  #send(script: Script, args: readonly string[], onLate?: (reply: unknown) => void): Promise<unknown> {
    const send = this.#sendCommand;
    let head = this.#heads.get(script);
    if (head === undefined) {
      const { keys } = this.#options;
      head = ['EVALSHA', script.sha, String(keys.length), ...keys];
      this.#heads.set(script, head);
    }
    const answer = send(head.concat(args)).catch((error) => {
      // A server that was started again has lost its scripts; with the text it keeps this one.
      if (replyCode(error) !== 'NOSCRIPT') throw error;
      return send(['EVAL', script.text, ...head.slice(2), ...args]);
    });
    return this.#track(answer, onLate);
  }

  #track(answer: Promise<unknown>, onLate?: (reply: unknown) => void): Promise<unknown> {
    return this.#calls.add(answer, this.#heard, onLate).catch((error) => {
      throw toStoreError(error, this.#options.where);
    });
  }

  readonly #heard = (): void => {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#tell();
  };

  /** Waits a while for the server. @throws StoreError */
  async #whenUsable(): Promise<void> {
    const { where } = this.#options;
    const startedAt = performance.now();
    while (!this.#isUsable) {
      if (this.#isClosed) {
        throw new StoreError('STORE_CLOSED', `the store on ${where} is closed; open a new one`);
      }
      const isFirst = !this.#wasOpen && this.#lastError === undefined;
      const leftMs = startedAt + (isFirst ? FIRST_CONNECT_MS : RECONNECT_MS) - performance.now();
      if (leftMs <= 0) {
        throw this.#isStalled ? stalled(where, ANSWER_MS) : unavailable(where, this.#lastError);
      }
      await this.#change(leftMs);
    }
  }

  /** Resolves when something has changed, or after so long; rejects if the server turns out to be unusable. */
  async #change(withinMs: number): Promise<void> {
    this.#opening ??= this.#open();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#awaiting.add(resolve);
    try {
      await (this.#isChecked ? promise : Promise.race([this.#opening, promise]));
    } finally {
      clearTimeout(timer);
      this.#awaiting.delete(resolve);
    }
  }

  #tell(): void {
    for (const resolve of [...this.#awaiting]) resolve();
  }

  async #open(): Promise<void> {
    const { where, keys } = this.#options;
    try {
      const client = this.#options.client ?? (await this.#ownClient());
      this.#client = client;
      client.on('error', this.#onError);
      client.on('ready', this.#onReady);
      if (this.#options.client === undefined) await client.connect();
      else if (!client.isOpen) {
        throw new StoreError(
          'STORE_UNUSABLE',
          'the client that was handed in is not connected: call its connect() first',
        );
      }
      this.#timer = setInterval(this.#look, LOOK_MS).unref();
      this.#sendCommand = senderOf(client, keys[0]!);
      checkServer((await this.#eval(scripts.info)) as string, where);
      checkLayout(await this.#eval(scripts.open, String(LAYOUT_VERSION)), where);
      this.#isChecked = true;
      this.#wasOpen = true;
      this.#tell();
    } catch (error) {
      this.#drop();
      throw toStoreError(error, where);
    }
  }

  #eval(script: Script, ...args: string[]): Promise<unknown> {
    const { keys } = this.#options;
    return this.#track(this.#sendCommand(['EVAL', script.text, String(keys.length), ...keys, ...args]));
  }

  async #ownClient(): Promise<RedisClient> {
    const { createClient } = await loadRedis();
    return createClient({
      url: this.#options.url,
      // The older protocol has all that is needed, and lets an old server say how old it is.
      RESP: 2,
      maintNotifications: 'disabled',
      // What waits is counted here, and fails in time; the client would keep it for hours.
      disableOfflineQueue: true,
      commandOptions: { timeout: undefined },
      socket: { connectTimeout: ANSWER_MS, reconnectStrategy: this.#pauseMs },
    });
  }

  readonly #pauseMs = (retries: number, cause: unknown): number | false => {
    if (!this.#isChecked && isAuthError(cause)) return false;
    const most = Math.min(20 * 2 ** retries, LONGEST_PAUSE_MS);
    return Math.ceil(most * (0.5 + Math.random() / 2));
  };

  // Never unheard: an error event that nobody hears ends the process. The calls tell of it.
  readonly #onError = (error: unknown): void => {
    this.#lastError = error;
    this.#tell();
  };

  readonly #onReady = (): void => {
    this.#lastError = undefined;
    this.#isStalled = false;
    this.#tell();
  };

  readonly #look = (): void => {
    const { where, client } = this.#options;
    if (this.#calls.giveUp(ANSWER_MS, () => stalled(where, ANSWER_MS))) this.#isStalled = true;
    if (this.#calls.oldestMs < DEAD_MS) return;
    if (client === undefined) this.#drop();
    else this.#calls.forget();
  };

  /** Lets go of the client; the next call opens anew. */
  #drop(): void {
    clearInterval(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#opening = undefined;
    this.#isChecked = false;
    this.#isStalled = false;
    this.#calls.forget();
    if (client === undefined) return;
    client.off('ready', this.#onReady);
    if (client === this.#options.client) {
      client.off('error', this.#onError);
    } else if (client.isOpen) {
      client.destroy();
    }
  }
}
