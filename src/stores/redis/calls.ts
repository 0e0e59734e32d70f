import { Bag, type Placed } from '../../internal/bag.ts';

interface Call extends Placed {
  readonly sentAt: number;
  readonly reject: (error: Error) => void;
  isGivenUp: boolean;
}

/** Calls that were sent and not answered. One that waits too long is given up; its answer may still come. */
export class OpenCalls {
  readonly #calls = new Bag<Call>();
  #onQuiet: (() => void) | undefined;

  /** How long the oldest waits for its answer, given up or not, in milliseconds; 0 if none does. */
  get oldestMs(): number {
    if (this.#calls.size === 0) return 0;
    return performance.now() - Math.min(...this.#calls.all().map(({ sentAt }) => sentAt));
  }

  /** The answer, unless it is given up before. `onLate` gets an answer that came after that. */
  add(answer: Promise<unknown>, onAnswer: () => void, onLate?: (reply: unknown) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call: Call = { sentAt: performance.now(), reject, isGivenUp: false, place: -1 };
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
    for (const call of this.#calls.all()) {
      if (call.sentAt > before || call.isGivenUp) continue;
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
    if (this.#calls.all().some(({ isGivenUp }) => !isGivenUp)) return;
    this.#onQuiet?.();
  }
}
