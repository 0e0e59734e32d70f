interface Call {
  readonly sentAt: number;
  readonly reject: (error: Error) => void;
  isGivenUp: boolean;
}

/** Calls that were sent and not answered. One that waits too long is given up; its answer may still come. */
export class OpenCalls {
  readonly #calls = new Set<Call>();
  #onQuiet: (() => void) | undefined;

  /** How long the oldest waits for its answer, given up or not, in milliseconds; 0 if none does. */
  get oldestMs(): number {
    for (const call of this.#calls) return performance.now() - call.sentAt;
    return 0;
  }

  /** The answer, unless it is given up before. `onLate` gets an answer that came after that. */
  add(answer: Promise<unknown>, onAnswer: () => void, onLate?: (reply: unknown) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call: Call = { sentAt: performance.now(), reject, isGivenUp: false };
      this.#calls.add(call);
      answer.then(
        (reply) => {
          this.#remove(call);
          onAnswer();
          if (call.isGivenUp) onLate?.(reply);
          else resolve(reply);
        },
        (error) => {
          this.#remove(call);
          reject(error);
        },
      );
    });
  }

  /** Gives up those that have waited so long. Answers whether there were any. */
  giveUp(afterMs: number, error: () => Error): boolean {
    const before = performance.now() - afterMs;
    let isAny = false;
    for (const call of this.#calls) {
      if (call.sentAt > before) break;
      if (call.isGivenUp) continue;
      call.isGivenUp = true;
      isAny = true;
      call.reject(error());
    }
    if (isAny) this.#tellQuiet();
    return isAny;
  }

  forget(): void {
    this.#calls.clear();
    this.#tellQuiet();
  }

  /** Resolves when all were answered or given up. */
  quiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet = resolve;
      this.#tellQuiet();
    });
  }

  #remove(call: Call): void {
    this.#calls.delete(call);
    if (this.#onQuiet) this.#tellQuiet();
  }

  #tellQuiet(): void {
    for (const call of this.#calls) if (!call.isGivenUp) return;
    this.#onQuiet?.();
  }
}
