import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a contender's process can be asked to do, by name. */
export type Handlers = Record<string, (params: never) => unknown>;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly params: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export interface ContenderOptions {
  readonly args?: readonly string[];
  /** Where a CPU profile of the process goes; it also slows it down. */
  readonly profileDir?: string | undefined;
}

/**
 * A process of its own for each that is measured: neither the code that V8 has optimised for another nor another's heap is then
 * in its way. The parent asks one at a time, round by round, while the others wait.
 */
export class Contender {
  readonly #child: ChildProcess;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #questions = 0;

  constructor(file: URL, { args = [], profileDir }: ContenderOptions = {}) {
    const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
    this.#child = fork(fileURLToPath(file), args, {
      execArgv: [
        '--expose-gc',
        '--max-old-space-size=12288',
        '--disable-warning=ExperimentalWarning',
        ...profile,
      ],
      env: withoutProxies(process.env),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: Answer) => this.#answered(answer));
    this.#child.once('exit', (code, signal) => {
      for (const { reject } of this.#open.values()) {
        reject(new Error(`${fileURLToPath(file)} ended with ${signal ?? code}`));
      }
      this.#open.clear();
    });
  }

  ask<T>(name: string, params: unknown = {}): Promise<T> {
    const id = ++this.#questions;
    const answer = Promise.withResolvers<unknown>();
    this.#open.set(id, answer);
    this.#child.send({ id, name, params } satisfies Question);
    return answer.promise as Promise<T>;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answered({ id, value, error }: Answer): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (error === undefined) open?.resolve(value);
    else open?.reject(new Error(error));
  }
}

/** The contender's side: answers questions until its parent goes away. */
export function answerWith(handlers: Handlers): void {
  if (!process.send) throw new Error('this file is started by a benchmark: npm run bench');
  process.on('message', async ({ id, name, params }: Question) => {
    const answer: Answer = await Promise.resolve()
      .then(() => (handlers[name] as (params: unknown) => unknown)(params))
      .then(
        (value) => ({ id, value }),
        (error) => ({ id, error: String(error?.stack ?? error) }),
      );
    process.send?.(answer);
  });
  // Nothing that a contender leaves open keeps it alive.
  process.once('disconnect', () => process.exit(0));
}

/** Only the loopback is measured: a proxy of the environment must not get in between. */
function withoutProxies(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/_proxy$/i.test(name)));
}
