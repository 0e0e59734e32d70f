/** Calls of one kind that one script carries out. */
interface Batch<Item, Answer> {
  readonly items: Item[];
  readonly settlers: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[];
}

/**
 * Gathers the calls of one tick, so that one script carries out several: with 50 users at once a call costs the server half. Each
 * promise settles with its own answer. A script gets no more than `most`, so that it never keeps the server for long.
 */
export class Gathered<Item, Answer> {
  readonly #most: number;
  readonly #carryOut: (items: Item[]) => Promise<Answer[]>;
  #batches = new Map<string, Batch<Item, Answer>>();

  /** `carryOut`: one script for items that came with the same key; answers in their order. */
  constructor(most: number, carryOut: (items: Item[]) => Promise<Answer[]>) {
    this.#most = most;
    this.#carryOut = carryOut;
  }

  add(key: string, item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#batches.size === 0) setImmediate(this.flush);
      let batch = this.#batches.get(key);
      if (batch === undefined) {
        batch = { items: [], settlers: [] };
        this.#batches.set(key, batch);
      }
      batch.items.push(item);
      batch.settlers.push({ resolve, reject });
      if (batch.items.length < this.#most) return;
      this.#batches.delete(key);
      this.#send(batch);
    });
  }

  /** Sends what was gathered so far. */
  readonly flush = (): void => {
    const batches = this.#batches;
    this.#batches = new Map();
    for (const batch of batches.values()) this.#send(batch);
  };

  #send({ items, settlers }: Batch<Item, Answer>): void {
    this.#carryOut(items).then(
      (answers) => {
        for (let at = 0; at < settlers.length; at++) settlers[at]!.resolve(answers[at]!);
      },
      (error) => {
        for (const { reject } of settlers) reject(error);
      },
    );
  }
}
