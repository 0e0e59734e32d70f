import type { BlockBreakerOptions } from './options.ts';

/** The last answers of one site: whether too many of them were blocks. */
export class BlockBreaker {
  readonly #options: Required<BlockBreakerOptions>;
  #answers: boolean[] = [];
  #blocks = 0;

  constructor(options: Required<BlockBreakerOptions>) {
    this.#options = options;
  }

  /** Notes an answer; says whether the site is to be left alone from now on, and then begins anew. */
  isTooMuch(isBlock: boolean): boolean {
    const { window, ratio } = this.#options;
    this.#answers.push(isBlock);
    if (isBlock) this.#blocks += 1;
    if (this.#answers.length > window && this.#answers.shift()) this.#blocks -= 1;
    if (this.#answers.length < window || this.#blocks < ratio * window) return false;
    this.#answers = [];
    this.#blocks = 0;
    return true;
  }
}
