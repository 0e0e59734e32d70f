import { StoreError } from '../../errors.ts';
import { OpenCalls } from './calls.ts';
import { checkLayout, checkServer } from './checks.ts';
import { COMMAND_OPTIONS, loadRedis, type RedisClient } from './client.ts';
import { LAYOUT_VERSION } from './pieces/start.ts';
import { isAuthError, replyCode, stalled, toStoreError, unavailable } from './redis-errors.ts';
import { type Script, scripts } from './scripts.ts';

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
  client?: RedisClient | undefined;
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
  #client: RedisClient | undefined;
  #opening: Promise<void> | undefined;
  #isChecked = false;
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
    return this.#track(this.#client!.sendCommand(args, COMMAND_OPTIONS));
  }

  /** Another connection to the same server, not connected yet. */
  async duplicate(): Promise<RedisClient> {
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
    const client = this.#client!;
    let head = this.#heads.get(script);
    if (head === undefined) {
      const { keys } = this.#options;
      head = ['EVALSHA', script.sha, String(keys.length), ...keys];
      this.#heads.set(script, head);
    }
    const answer = client.sendCommand(head.concat(args), COMMAND_OPTIONS).catch((error) => {
      // A server that was started again has lost its scripts; with the text it keeps this one.
      if (replyCode(error) !== 'NOSCRIPT') throw error;
      return client.sendCommand(['EVAL', script.text, ...head.slice(2), ...args], COMMAND_OPTIONS);
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
    const giveUpAt = performance.now() + RECONNECT_MS;
    while (!this.#isUsable) {
      if (this.#isClosed) {
        throw new StoreError('STORE_CLOSED', `the store on ${where} is closed; open a new one`);
      }
      const leftMs = giveUpAt - performance.now();
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
      const info = await client.sendCommand(['INFO'], COMMAND_OPTIONS).catch(mayNotAsk);
      if (typeof info === 'string') checkServer(info, where);
      const command = ['EVAL', scripts.open.text, String(keys.length), ...keys, String(LAYOUT_VERSION)];
      checkLayout(await this.#track(client.sendCommand(command, COMMAND_OPTIONS)), where);
      this.#isChecked = true;
      this.#tell();
    } catch (error) {
      this.#drop();
      throw toStoreError(error, where);
    }
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

/** Managed servers may not let everybody ask: what cannot be looked at is not complained of. */
function mayNotAsk(error: unknown): undefined {
  if (replyCode(error) !== 'NOPERM') throw error;
}
