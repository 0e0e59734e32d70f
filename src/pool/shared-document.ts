import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.ts';
import type { SessionStore } from '../stores/store.ts';

/** Attempts at a change while others change the same document, before it is given up. */
const MAX_ATTEMPTS = 20;

/** Where documents are kept: a store, or what seals them on their way to one. */
export type Documents = Pick<SessionStore, 'document' | 'putDocument'>;

/**
 * What all processes of a store know together: one small document of JSON. Each keeps the copy it read last, and changes it
 * only on top of what is stored, so that nobody's change is lost.
 */
export class SharedDocument<Value extends object> {
  readonly #store: Documents;
  readonly #name: string;
  readonly #parse: (value: unknown) => Value;
  #value: Value;
  #version = 0;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<Value> | undefined;
  /** Changes of this process come one after the other: they need not fight each other. */
  #lastChange: Promise<unknown> = Promise.resolve();

  /**
   * @param parse checks what is stored and fills in what is missing; it is given `{}` where nothing is stored. What it
   *   throws makes the document `STORE_UNUSABLE`
   */
  constructor(store: Documents, name: string, parse: (value: unknown) => Value) {
    this.#store = store;
    this.#name = name;
    this.#parse = parse;
    this.#value = parse({});
  }

  /** As it was read last. Not to be changed in place. */
  get value(): Value {
    return this.#value;
  }

  /**
   * As it is stored, or as it was no longer than `maxAgeMs` ago.
   * @throws StoreError `STORE_UNUSABLE` where it is not what it must be
   */
  read(maxAgeMs = 0): Promise<Value> {
    if (performance.now() - this.#readAt <= maxAgeMs) return Promise.resolve(this.#value);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /**
   * Changes it, on top of what others wrote meanwhile: `change` may be called several times, and answers a new value, or the
   * one it was given where there is nothing to change.
   * @throws StoreError `STORE_BUSY` where others were faster every time
   */
  change(change: (value: Value) => Value): Promise<Value> {
    const changed = this.#lastChange.then(() => this.#change(change));
    this.#lastChange = changed.catch(() => {});
    return changed;
  }

  async #change(change: (value: Value) => Value): Promise<Value> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      // What was read last is mostly still what is stored: the write tells.
      if (attempt > 0 || this.#readAt === Number.NEGATIVE_INFINITY) await this.#read();
      const before = this.#value;
      const value = change(before);
      if (value === before) return before;
      const version = await this.#store.putDocument(this.#name, JSON.stringify(value), this.#version);
      if (version !== undefined) {
        this.#keep(value, version);
        return value;
      }
      if (attempt > 0) await sleep(5 * attempt * Math.random());
    }
    throw new StoreError(
      'STORE_BUSY',
      `the document "${this.#name}" is changed by too many at once; try again`,
    );
  }

  async #read(): Promise<Value> {
    const stored = await this.#store.document(this.#name);
    this.#keep(this.#parsed(stored?.value ?? '{}'), stored?.version ?? 0);
    return this.#value;
  }

  #keep(value: Value, version: number): void {
    this.#value = value;
    this.#version = version;
    this.#readAt = performance.now();
  }

  #parsed(text: string): Value {
    try {
      return this.#parse(JSON.parse(text));
    } catch (cause) {
      const message = `the store's document "${this.#name}" is damaged, or was written by a newer troupe`;
      throw new StoreError('STORE_UNUSABLE', message, { cause });
    }
  }
}
