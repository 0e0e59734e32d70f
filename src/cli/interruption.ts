/** What is under way may take this long to finish. */
const GRACE_MS = 5_000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * The end that somebody asks for: at the first Ctrl-C nothing new is begun, and what is under way may finish; after
 * a few seconds, or at the second Ctrl-C, it is cut off. A third one is the system's own, and ends the process at once.
 */
export class Interruption implements Disposable {
  readonly #abort = new AbortController();
  readonly #asked = Promise.withResolvers<void>();
  readonly #listener = () => this.#onSignal();
  #timer: NodeJS.Timeout | undefined;
  #reason: 'signal' | 'error' | undefined;
  #error: unknown;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  /** Whether nothing new may be begun. */
  get isAsked(): boolean {
    return this.#reason !== undefined;
  }

  get isBySignal(): boolean {
    return this.#reason === 'signal';
  }

  /** Resolves when the end is asked for. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Aborts what is under way. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Ends the run because it cannot go on; {@link throwIfFailed} tells why. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.#begin('error');
  }

  throwIfFailed(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#timer);
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }

  #onSignal(): void {
    if (!this.isAsked) {
      this.#begin('signal');
      return;
    }
    this.#abort.abort();
    this.#close();
  }

  #begin(reason: 'signal' | 'error'): void {
    if (this.isAsked) return;
    this.#reason = reason;
    this.#timer = setTimeout(() => this.#abort.abort(), GRACE_MS);
    this.#asked.resolve();
  }
}
