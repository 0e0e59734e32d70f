import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A server of our own on the loopback, in a temporary folder: for tests, benchmarks and demonstrations. */
export interface LocalServer extends AsyncDisposable {
  /** How a client connects; with the password, where there is one. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Stops it as an operator would, and waits for its end; its data and configuration stay for {@link start}. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** Holds it still (SIGSTOP) until {@link resume}: a server that stalls. */
  pause(): void;
  resume(): void;
  /** Stops it and removes its folder. May be called twice. */
  close(): Promise<void>;
}

/** The child process of a server, which may be ended and begun again. */
export class ServerProcess {
  readonly #spawn: () => ChildProcess;
  readonly #isUp: () => Promise<boolean>;
  readonly #name: string;
  #child: ChildProcess | undefined;
  #said = '';

  /** `isUp` is asked again and again until it says yes. */
  constructor(
    name: string,
    command: string,
    args: string[],
    options: SpawnOptions,
    isUp: () => Promise<boolean>,
  ) {
    this.#name = name;
    this.#isUp = isUp;
    this.#spawn = () => spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.#name} is not running`);
    return this.#child.pid;
  }

  async start(): Promise<void> {
    if (this.#child) return;
    this.#said = '';
    const child = this.#spawn();
    this.#child = child;
    // An orphan would live on: whatever ends us ends it.
    process.once('exit', this.#killNow);
    const hear = (chunk: Buffer) => {
      this.#said = (this.#said + chunk).slice(-4000);
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
      process.off('exit', this.#killNow);
    });
    child.once('error', (error) => hear(Buffer.from(String(error))));
    const giveUpAt = Date.now() + 60_000;
    while (!(await this.#isUp())) {
      if (this.#child !== child || Date.now() > giveUpAt) {
        await this.end('SIGKILL');
        throw new Error(`${this.#name} does not start. It said:\n${this.#said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = once(child, 'exit');
    // One that is held still hears nothing else.
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  readonly #killNow = (): void => {
    this.#child?.kill('SIGKILL');
  };
}

/** Below the ports that systems choose from for connections and for `listen(0)`: Linux from 32 768, others from 49 152. */
const PORTS = { from: 20_000, to: 32_768 };

/**
 * A port that nobody uses now, and that nobody gets by chance while the server is down. One of the system's own choice
 * may be given to somebody else meanwhile, or to a client that tries to connect there, who then talks to himself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
