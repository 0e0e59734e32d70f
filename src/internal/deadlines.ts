import { Bag, type Placed } from './bag.ts';

/** How late a deadline may be told of. */
const LOOK_MS = 20;

/** Something that is to end by an instant of `performance.now()`. */
export interface Deadline extends Placed {
  readonly at: number;
  onPassed(): void;
}

/**
 * Deadlines of many short calls, most of which end long before: one timer looks after all of them, for a timer each
 * costs more than the rest of a small call.
 */
export class Deadlines {
  readonly #open = new Bag<Deadline>();
  #timer: NodeJS.Timeout | undefined;

  add(deadline: Deadline): void {
    this.#open.add(deadline);
    if (this.#timer === undefined) this.#timer = setInterval(this.#look, LOOK_MS);
    // Who waits keeps the process alive, as with a timer of its own.
    else if (this.#open.size === 1) this.#timer.ref();
  }

  delete(deadline: Deadline): void {
    if (this.#open.delete(deadline) && this.#open.size === 0) this.#timer?.unref();
  }

  readonly #look = (): void => {
    if (this.#open.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    for (const deadline of this.#open.all()) {
      // One that passed before may have ended this one.
      if (deadline.at > now || deadline.place < 0) continue;
      this.delete(deadline);
      deadline.onPassed();
    }
  };
}
